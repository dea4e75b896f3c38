"""Random mutants of the code, and the tests that should see them.

`python -m tests.mutation --n 50 --seed 1` breaks one line at a time in a copy of the
tree, and runs the tests that are closest to it by imports. What survives is a gap in
the tests, or a change that alters nothing.
"""
