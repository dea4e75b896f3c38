"""From spikes to trained networks and their predictions."""
