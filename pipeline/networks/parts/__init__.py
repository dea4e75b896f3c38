"""What networks are made of: layers, read-outs, stacks."""
