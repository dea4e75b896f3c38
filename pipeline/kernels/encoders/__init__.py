"""Encoders' loops over time, each with a plain twin that is its reference."""
