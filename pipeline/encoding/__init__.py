"""From prepared signals to spikes, and what the spikes are worth."""
