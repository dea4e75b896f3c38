"""Neurons in integers: one file for each kind of equations, and its C beside it."""
