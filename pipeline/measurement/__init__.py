"""Measuring on machines: latency, meters, emulated processors, logs."""
