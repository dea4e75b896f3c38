"""What readers are made of: one module or folder a file format."""
