"""The command line: one door over the use cases."""
