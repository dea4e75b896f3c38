"""Neurons' loops over time, each with its reference implementation."""
