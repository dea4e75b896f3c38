"""Network topologies: each takes any neuron by name."""
