"""What is outside the computer: the front end, toolchains, emulated processors."""
