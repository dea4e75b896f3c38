"""Energy: what is counted, estimated and measured, never mixed."""
