"""The results of audits, as their files have them."""

from typing import Any

from pipeline.privacy.results import LAYOUT

RATE = {
    "value": None,
    "reason": "needs 100 persons outside the training set, there are 4",
}


def row(attack: str, value: float, level: str = "person") -> dict[str, Any]:
    return {
        **{"queries": "training recordings", "way": "stored", "attack": attack},
        **{"level": level, "tpr": {"0.01": RATE, "0.001": RATE}},
        "auc": {"value": value, "low": value - 0.125, "high": value + 0.125},
        "curve": [0.25, 0.5, 1.0],
    }


FOUND = {
    "layout": LAYOUT,
    "persons": {
        "candidates": ["a", "b", "c", "d"],
        "validation": ["e", "f"],
        "population": ["g", "h"],
        "training_sets": [["a", "b"], ["c", "d"]],
    },
    "accuracy": {
        "stored": {
            "members": {"value": 0.875, "low": 0.75, "high": 1.0},
            "non_members": {"value": 0.625, "low": 0.5, "high": 0.75},
        }
    },
    "attacks": [
        row("confidence", 0.625),
        row("RMIA", 0.75),
        row("reference", 0.875, level="decision"),
        {"queries": "another session", "absent": "everyone has one session"},
    ],
    "controls": {
        "memoriser": {"RMIA": {"value": 1.0, "low": None, "high": None}},
        "non_members": {"RMIA": {"value": None, "reason": "nobody"}},
    },
}

RANDOM = {
    "dataset": "ecg_demo",
    **FOUND,
    "settings": {"draws": 5},
    "accuracy": {
        way: {
            "members": {"value": 0.875, "low": 0.75, "high": 1.0},
            "non_members": {
                "value": value,
                "low": value - 0.125,
                "high": value + 0.125,
            },
        }
        for way, value in (("stored", 0.75), ("once", 0.625), ("draws", 0.6875))
    },
    "attacks": [
        *(
            {**row(attack, value), "way": way}
            for way, value in (("stored", 0.75), ("once", 0.5), ("draws", 0.65625))
            for attack in ("confidence", "reference", "RMIA", "trajectory")
        ),
        {"queries": "another session", "absent": "everyone has one session"},
    ],
}
"""Of a random code."""

CODES = {
    "dataset": "ecg_demo",
    "persons": 6,
    "between": "another session",
    "chance": 1 / 6,
    "codes": {
        "signal": {
            "persons": {"value": 1.0, "low": None, "high": None},
            "decisions": {"value": 0.5, "low": 0.25, "high": 0.75},
        },
        "delta": {
            "snr_db": -5.9375,
            "persons": {"value": 0.8125, "low": 0.5, "high": 1.0},
            "decisions": {"value": 0.5, "low": 0.25, "high": 0.75},
        },
        "events": {"absent": "s1: no events"},
    },
}

GUARANTEE = {
    "epsilon": 2.996, "delta": 6.7e-4, "persons": 150, "persons_per_step": 8.0,
    "steps": 300, "clip": 1.0, "noise": 1.24,
}  # fmt: skip
"""What `run.json` has of a fold that protects persons."""
