"""Local learning rules' loops, each with its reference implementation."""
