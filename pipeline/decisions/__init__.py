"""Single decisions of a trained cell, followed from the recording to the classes."""
