"""A few hundred mutants of simulated files; `make fuzz` tries more, and real ones."""

import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import corpus, corpus_clinical, working
from tests.fuzz.items import Fault, Item
from tests.fuzz.judging import Verdict, judge
from tests.fuzz.mutants import mutant
from tests.fuzz.mutations_formats import hostile
from tests.fuzz.trying import Outcome, Taken, take_in
