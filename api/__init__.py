"""The doors: HTTP and the command line, over the same use cases."""
