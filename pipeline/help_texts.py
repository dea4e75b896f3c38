"""What `biospike --help` shows beside the docstrings of the commands."""

import argparse
from pathlib import Path

from pipeline.components import KINDS, available

DATASET = "one of the data sets in params.yaml"
FETCHED = f"{DATASET}, once fetched"
CELL = "a trained cell, DATASET-ENCODER-MODEL: `biospike cells` lists them"
RUN = "a trained cell, or the ID of a run in MLflow"
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
    "grid": "add: dvc repro runs this data set, too; only: it runs no other",
}
"""Flags of `new-dataset`, and what each gives."""

ENCODE = {
    flag: NEW_DATASET[flag]
    for flag in ("modality", "line-freq", "sfreq", "unit", "unchecked")
}
"""Flags of `encode`, and what each gives."""

DESCRIPTION = """\
What a person asks of a checkout of biospike, beside `dvc repro`. Start it in the folder
of the checkout, where params.yaml and dvc.yaml are."""

EPILOG = """\
`biospike COMMAND --help` has examples, and states where the output goes.
`dvc repro` makes everything that params.yaml asks for; README.md explains it."""

ENDINGS = {
    "add": """\
examples:
  biospike add encoders our_codes.ternary:Ternary

It writes pipeline/KIND/NAME.py, two lines that import the class, and nothing else.
`pytest tests/test_components.py -k NAME` then runs the contract of its kind.
docs/example_package is a package with an encoder.""",
    "audit": """\
examples:
  biospike audit ecg_demo-delta-lif    who was in the training set?
  biospike audit ecg_demo              what do the spikes of each encoder reveal?

It prints tables and writes data/audits/NAME. Of a cell it trains networks like its own,
which takes minutes; the settings are `audit` in params.yaml. docs/privacy.md explains
the attacks.""",
    "cells": """\
examples:
  biospike cells
  biospike cells ecg_demo-delta-lif    which modules, settings and files have changed
                                       since its stages ran?

It prints a table. A cell is a data set with an encoder and a model of the grid
in params.yaml.""",
    "check": """\
examples:
  biospike check             is params.yaml right?
  biospike check ecg_demo    can the files of ecg_demo be used?
                             (after `dvc repro fetch@ecg_demo`)

It prints the findings and, for a data set, writes data/checks/DATASET.html. The exit
status is 2 where params.yaml is wrong or nothing can be used.""",
    "encode": """\
examples:
  biospike encode ~/holter/101.hea --encoder delta
  biospike encode session.csv --encoder beat --channels lead2 --modality ecg \\
      --unit mV --sfreq 250 --picture beat.png --events beat.npy

It prints a row a channel (docs/encoders.md), and writes only the files that are asked
for. A recording is read as by `dvc repro`, and prepared as `new-dataset` proposes.""",
    "experiments": """\
examples:
  dvc exp run -S encoders.delta.threshold=0.3
  biospike experiments                        five of them; balanced accuracy
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
    "promote": """\
example:
  biospike promote ecg_demo-delta-lif

It publishes the cell, lets its model answer the example that it was logged with, and
registers it under the cell's name with its card: data, persons, metrics, intended use
and limits. Nothing is registered twice.""",
    "publish": """\
example:
  biospike publish

It logs the trained cells of the grid to MLflow, nothing twice: to mlflow.db in this
folder, or where MLFLOW_TRACKING_URI points. The report does the same.""",
    "schema": """\
examples:
  biospike schema > params.schema.json     for editors: put
      # yaml-language-server: $schema=params.schema.json
                                           into the first line of params.yaml
  biospike schema --table                  keys of an entry, as in docs/data.md

It prints what the settings classes of this checkout state, components of your own
included.""",
    "show": """\
examples:
  biospike show ecg_demo-delta-lif             the surest errors and hits
  biospike show ecg_demo-delta-lif 2255
  biospike show ecg_demo-delta-lif 2255 --output error.svg

It prints a table of three errors and three hits of each class or, for a decision,
writes a figure of it: the signal as recorded and filtered, the spikes, the membranes,
and the evidence of each class over time.""",
    "summary": """\
example:
  biospike summary

It prints the table that `make repro` ends with. data/report/index.html has more.""",
    "trace": """\
examples:
  biospike trace ecg_demo-delta-lif
  biospike trace 7ce07314ed554ea08a46f2eadac725de    a run that MLflow knows

It prints the raw files that made a run, its settings, commands, commit and environment,
and reads every file to compare its checksum. A run of another checkout is compared with
the files and settings here. The exit status is 2 if any of them differs.""",
    "tradeoff": """\
example:
  biospike tradeoff ecg_demo

It writes data/tradeoffs/DATASET.svg and .csv, and puts the figure into the report.
At least two settings must have run (docs/energy.md).""",
    "ui": """\
example:
  biospike ui --port 5001

It prints a link to the cells of each data set, and serves MLflow on
http://127.0.0.1:PORT until Ctrl-C, unless MLFLOW_TRACKING_URI names a server.""",
}
"""The end of each command's help."""


def describe_audit(auditing: argparse.ArgumentParser) -> None:
    """Describe the arguments of `audit`."""
    auditing.add_argument("name", metavar="NAME", help=f"{CELL}; or a data set")


def describe_cells(listing: argparse.ArgumentParser) -> None:
    """Add what `cells` takes."""
    listing.add_argument("cell", nargs="?", metavar="CELL", help=CELL)


def describe_add(adding: argparse.ArgumentParser) -> None:
    """Describe the arguments of `add`."""
    adding.add_argument("kind", metavar="KIND", help=", ".join(KINDS))
    adding.add_argument("target", metavar="PACKAGE.NAME:CLASS", help="the class")


def describe_encode(encoding: argparse.ArgumentParser) -> None:
    """Describe the arguments of `encode`."""
    encoding.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="main file of a recording; of a WFDB record the header (.hea)",
    )
    encoding.add_argument(
        "--encoder",
        required=True,
        metavar="NAME",
        help="one of the encoders in params.yaml",
    )
    encoding.add_argument(
        "--channels",
        metavar="NAMES",
        help="names, with commas between them; default: all of the modality",
    )
    for flag, about in ENCODE.items():
        encoding.add_argument(f"--{flag}", help=about)
    encoding.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="figure of a few seconds of a channel to write, .png or .svg",
    )
    encoding.add_argument(
        "--events",
        type=Path,
        metavar="FILE",
        help="address events to write, .npy: Tonic's t (µs), x and p",
    )


def describe_experiments(comparing: argparse.ArgumentParser) -> None:
    """Add the arguments of `biospike experiments`."""
    comparing.add_argument(
        "--metric", default="balanced_accuracy", help="default: balanced_accuracy"
    )
    comparing.add_argument(
        "--last", type=int, default=5, help="so many at most; default: 5"
    )


def describe_export(leaving: argparse.ArgumentParser) -> None:
    """Describe the arguments of `export`."""
    leaving.add_argument("cell", help=CELL)
    leaving.add_argument(
        "--target",
        required=True,
        choices=available("exporting"),
        help="format; c: front end and network in C99; nir: the Neuromorphic "
        "Intermediate Representation, which simulators and chips read",
    )
    leaving.add_argument("--fold", type=int, help=FOLD)
    leaving.add_argument(
        "--output",
        type=Path,
        help="file or folder to write; by default CELL-fold-K, with the format's "
        "suffix, in this folder",
    )


def describe_measure(measuring: argparse.ArgumentParser) -> None:
    """Describe the arguments of `measure`."""
    measuring.add_argument("cells", nargs="+", metavar="CELL", help=CELL)
    measuring.add_argument("--fold", type=int, help=FOLD)
    measuring.add_argument(
        "--meter-log",
        type=Path,
        metavar="FILE",
        help="log (CSV) of an external meter to import, for one cell",
    )
    measuring.add_argument(
        "--windows",
        type=int,
        metavar="NUMBER",
        help="windows that ran in each interval marked in the log",
    )


def describe_new_dataset(proposing: argparse.ArgumentParser) -> None:
    """Describe the arguments of `new-dataset`."""
    proposing.add_argument("path", metavar="PATH", help="the folder of the recordings")
    proposing.add_argument("--name", help="of the data set; default: the folder's")
    for flag, about in NEW_DATASET.items():
        proposing.add_argument(f"--{flag}", help=about)


def describe_schema(describing: argparse.ArgumentParser) -> None:
    """Describe the arguments of `schema`."""
    describing.add_argument(
        "--table", action="store_true", help="keys of a data set's entry, as Markdown"
    )


def describe_show(showing: argparse.ArgumentParser) -> None:
    """Describe the arguments of `show`."""
    showing.add_argument("cell", metavar="CELL", help=CELL)
    showing.add_argument(
        "decision",
        metavar="DECISION",
        nargs="?",
        type=int,
        help="number of a window that was tested; default: list the surest",
    )
    showing.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="figure to write, .png or .svg; default: CELL-DECISION.png in this folder",
    )
