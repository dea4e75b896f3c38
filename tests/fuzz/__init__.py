"""Mutated recordings, judged by decoders written apart from the readers.

`python -m tests.fuzz --n 10000 --seed 1` mutates files of every format and takes each
mutant in as a user would. `judging.py` decides what is right and what is wrong.
"""
