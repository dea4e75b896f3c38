"""From networks and spikes to operations, energy and latency."""
