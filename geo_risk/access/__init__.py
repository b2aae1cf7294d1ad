"""What is near, and how far."""
