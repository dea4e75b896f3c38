"""What is sent to a program on a device, and what it has to answer."""
