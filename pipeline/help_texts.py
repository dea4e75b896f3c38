"""What `biospike --help` shows beside the docstrings of the commands."""

CELL = "a trained cell, DATASET-ENCODER-MODEL: `biospike cells` lists them"
FOLD = "fold whose network is used; default: the first fold"
NEW_DATASET = {
    "modality": "ecg, emg or eeg",
    "line-freq": "mains frequency, 50 or 60 Hz; default: 50",
    "sfreq": "samples per second, where the files do not state it",
    "unit": "V, mV, uV or nV, where the files do not state it",
    "label": "where the labels stand: annotation, note, column:NAME, variable:NAME, "
    "field:NAME (of the pattern), header:NAME or sidecar:FILE:COLUMN",
    "classes": "names of classes by their codes: 1=rest,2=fist",
    "pattern": "path of a recording with its fields: {subject}/{run}.edf",
    "unchecked": "checks that these files fail though they are right, such as rate",
}
"""Flags of `new-dataset`, and what each gives."""

DESCRIPTION = """\
What a person asks of a checkout of biospike, beside `dvc repro`. Start it in the folder
of the checkout, where params.yaml and dvc.yaml are."""

EPILOG = """\
`biospike COMMAND --help` has examples, and states where the output goes.
`dvc repro` makes everything that params.yaml asks for; README.md explains it."""

ENDINGS = {
    "cells": """\
example:
  biospike cells

It prints a table. A cell is a data set with an encoder and a model of the grid
in params.yaml.""",
    "check": """\
examples:
  biospike check             is params.yaml right?
  biospike check ecg_demo    can the files of ecg_demo be used?
                             (after `dvc repro fetch@ecg_demo`)

It prints the findings and, for a data set, writes data/checks/DATASET.html. The exit
status is 2 where params.yaml is wrong or nothing can be used.""",
    "experiments": """\
examples:
  dvc exp run -S encoders.delta.threshold=0.3
  biospike experiments                        the last five, by balanced accuracy
  biospike experiments --metric macro_f1 --last 10

It prints a row a cell and a column an experiment, then the settings that each of them
changed. Numbers that differ from the last commit's are bold. Metrics are
balanced_accuracy, its interval's low and high, macro_f1, and int8 (the balanced
accuracy of the integer network).""",
    "export": """\
examples:
  biospike export ecg_demo-delta-lif --target c
  biospike export ecg_demo-delta-lif --target nir --fold 2 --output lif.nir

It writes a folder (c) or a file (nir). What a format cannot express is refused.""",
    "measure": """\
examples:
  biospike measure ecg_demo-delta-lif
  biospike measure ecg_demo-delta-lif --meter-log log.csv --windows 1000

It prints what was measured, and adds it to data/measured/CELL, the report and MLflow.
docs/energy.md describes what a log has to hold.""",
    "new-dataset": """\
examples:
  biospike new-dataset ~/holter
  biospike new-dataset ~/study --name study --label field:run --classes 1=rest,2=task

It prints what it recognised, and adds an entry with the reason of each setting to
params.yaml. What the files do not state, it asks; without a terminal it lists the flags
that give it, with exit status 2. The recordings are not changed.""",
    "publish": """\
example:
  biospike publish

It logs the trained cells of the grid to MLflow, nothing twice: to mlflow.db in this
folder, or where MLFLOW_TRACKING_URI points. The report does the same.""",
    "summary": """\
example:
  biospike summary

It prints the table that `make repro` ends with. data/report/index.html has more.""",
    "tradeoff": """\
example:
  biospike tradeoff ecg_demo

It writes data/tradeoffs/DATASET.svg and .csv, and puts the figure into the report.
At least two settings must have run (docs/energy.md).""",
    "ui": """\
example:
  biospike ui --port 5001

It opens MLflow's page on http://127.0.0.1:PORT, until Ctrl-C.""",
}
"""The end of each command's help."""
