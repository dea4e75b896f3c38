"""The contract of every component, as checks for its author and for our own tests.

Each check raises AssertionError with what was broken.
"""

from pipeline.testing._encoders import check_encoder
from pipeline.testing._meters import check_meter
from pipeline.testing._neurons import check_neuron
from pipeline.testing._rules import check_rule

__all__ = ["check_encoder", "check_meter", "check_neuron", "check_rule"]
