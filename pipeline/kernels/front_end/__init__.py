"""Loops of a device from samples to spikes, each with a plain twin that is its reference."""
