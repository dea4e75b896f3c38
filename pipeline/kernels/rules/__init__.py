"""Local learning rules' loops, each with a plain twin that is its reference."""
