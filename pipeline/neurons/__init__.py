"""Neuron models: one file each, in snnTorch's calling convention."""
