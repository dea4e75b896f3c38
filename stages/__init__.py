"""The eight stages: parse, load, call one function, save, publish."""
