"""The codes of a device, each with its reference implementation, `plain`."""
