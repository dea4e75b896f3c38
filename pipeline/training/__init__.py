"""Training: networks and their predictions from spikes."""
