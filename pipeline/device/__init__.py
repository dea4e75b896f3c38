"""Devices outside the computer: front end, toolchains, emulated processors."""
