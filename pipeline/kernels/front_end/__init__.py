"""A device's loops from samples to spikes, each with its reference implementation."""
