"""Local learning rules: weights change by the spikes of their two neurons alone."""
