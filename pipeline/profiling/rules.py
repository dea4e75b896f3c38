"""The rules by which operations and words are counted."""

RULES = (
    "a synaptic operation is one nonzero input meeting one nonzero weight: an "
    "accumulate if all inputs of the layer are -1, 0 or 1, else a multiply-accumulate",
    "several events at once, as of multisynaptic neurons, are one multiply-accumulate: "
    "a row of weights times their number, in a read-out of spike rates too",
    "normalisation is folded into the weights; biases are not counted as operations",
    "a linear read-out of spike rates adds one row of weights a spike",
    "every membrane is updated at every step, by as many multiply-accumulates as its "
    "equations have, without those of spikes and thresholds; exponentials are free; "
    "updates that change nothing count too",
    "integer networks take a leak by shifts and additions: one shifted addition an "
    "update for each nonzero digit of the leak's canonical signed binary form, and no "
    "multiply-accumulate",
    "recurrent weights meet the outputs of the step before",
    "a weight that a mask hides is a weight of zero",
    "dense operations take no input and no weight for zero; zeros that a layer pads "
    "with are not inputs, zeros that come before a window are",
    "a rescaling is the 32-bit multiplication by which integer networks bring a sum to "
    "the unit of what follows: one an update or activation of neurons that have a "
    "multiplier, one a class of the read-out",
    "counts a window are of a network that starts anew with it, also where it runs on: "
    "steps that windows share are counted for each, steps between windows are not; "
    "`running` counts each step of signal once, after as many steps as the state needs "
    "to forget its start, and a decision as the reading of the last layer's outputs",
    "weights: one word read a synaptic operation; none for zeros, whether input or "
    "weight, and none for the indices that sparse weights would need",
    "biases: one word read each time a layer gives a sum",
    "sums stay in registers while the inputs of a step are walked, eight at a time, as "
    "in the exported program; each finished sum is written once and read once",
    "spikes and values: an input, zero or not, is read once for every eight sums or "
    "less that it meets at a step; an output is written once; a spike has one bit. "
    "Averages of graded outputs read and write one accumulator a nonzero output",
    "states: each update reads and writes every variable of the neuron's equations; of "
    "histories it reads what it weighs and writes one word",
    "constants: each update reads what differs between the neurons of a layer, such as "
    "learned leaks and thresholds; what they share stays in registers",
)
"""The rules, one sentence each."""
