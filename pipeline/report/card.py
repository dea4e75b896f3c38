"""The model card of a data set: what its most accurate network is, and is not, fit for.

References
----------
Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from typing import Any

from pipeline.privacy import certified
from pipeline.report import device, explained, findings
from pipeline.report.answers import listed, reached

Plain = dict[str, Any]

LOW = 0.5
"""A class of which less is found is a limit of the model."""
MANY = 30
"""Persons; of fewer, the intervals are wide."""
USE = (
    "Research: to compare codes, neurons and networks on recordings like these. It is "
    "no medical device, and is not for diagnosis, monitoring or treatment."
)


def shown(here: Plain, cell: Plain, *, confidence: float) -> Plain:
    """Write a card.

    Parameters
    ----------
    here : dict
        What is known of the data set, as `findings.gather` gives it.
    cell : dict
        Its most accurate cell that spikes.
    confidence : float
        Confidence of the intervals.

    Returns
    -------
    card : dict
        `title`; `rows` of terms and texts; `subgroups`, as `subgroups` gives them; and
        `limits`, a sentence each.
    """
    return {
        "title": device.title(cell),
        "rows": [
            {"term": "Model", "text": _model(cell)},
            {"term": "Training", "text": _training(cell)},
            {"term": "Data", "text": _data(here, cell)},
            {"term": "Persons", "text": _persons(here, cell)},
            {"term": "Intended use", "text": USE},
            {"term": "Scores", "text": _scores(cell, confidence)},
        ],
        "subgroups": cell["subgroups"],
        "limits": limits(here, cell),
    }


def caveats(here: Plain, cell: Plain) -> list[str]:
    """List in short sentences what a reader must know before any number."""
    detector = here["detector"]
    found = (
        f" A detector finds {100 * detector['sensitivity']:.1f} %." if detector else ""
    )
    given = explained.oracles(cell["run"]["settings"])
    return [
        *(["The recordings are simulated."] if _is_simulated(cell) else []),
        *[f"{sentence}{found if 'beats' in sentence else ''}" for sentence in given],
        _apart(cell) if here["subjects"] else "Nobody knows who was recorded.",
        "One seed.",
    ]


def _is_simulated(cell: Plain) -> bool:
    source: str = cell["run"]["settings"].get("source", {}).get("name", "")
    return source.startswith("synthetic")


def _apart(cell: Plain) -> str:
    """Write whether persons who are tested are new to the network."""
    scheme = cell["run"]["settings"].get("folds", {}).get("scheme")
    if scheme in ("cross_session", "within_session"):
        return "A person who is tested has other sessions in training."
    return "Nobody is both trained on and tested in a fold."


def _model(cell: Plain) -> str:
    counted = cell["energy"]["counted"]
    kilobytes = f"{counted['footprint_bytes'] / 1000:.3g} kB"
    given = f"Input: {code} " if (code := explained.encoder(cell)) else ""
    return (
        f"{explained.model(cell)} {given}"
        f"{counted['synapses']:,} synapses, {kilobytes} in float32.{_delay(cell)}"
    )


def _delay(cell: Plain) -> str:
    """Declare how late a network that runs on is read; nothing if never late."""
    network, folds = cell["run"]["settings"]["network"], cell["run"]["folds"]
    late_s = max(fold.get("delay_s", 0.0) for fold in folds)
    if not late_s or network.get("restart", "windows") == "windows":
        return ""
    return (
        f" It runs on; a decision is read up to {1000 * late_s:.3g} ms after its "
        "moment, when a step of the last layer is complete."
    )


def _training(cell: Plain) -> str:
    settings, folds = cell["run"]["settings"], cell["run"]["folds"]
    scheme = settings.get("folds", {}).get("scheme", "unknown")
    most, key = max(fold["epochs"] for fold in folds), cell["run"]["run_key"][:12]
    learned_locally = "rules" in settings.get("network", {})
    tried = (
        "strengths of the read-out's regularisation" if learned_locally else "epochs"
    )
    known = (
        f"{len(folds)} networks, one a fold (scheme {scheme}), seed "
        f"{settings.get('seed', 'unknown')}, at most {most} {tried}; run {key}."
    )
    return f"{known} {certified.sentence(cell['run'])}".rstrip()


def _data(here: Plain, cell: Plain) -> str:
    channels = " or ".join(map(str, here["channels"]))
    rates = ", ".join(f"{rate:g}" for rate in here["sfreq"])
    windows = listed(
        [
            f"{here['windows'].get(label, 0):,} {here['label_names'].get(label, label)}"
            for label in cell["labels"]
        ]
    )
    return (
        f"{here['title']}: {here['hours']:.2f} h in {here['recordings']} recordings of "
        f"{channels} channels at {rates} Hz; decisions: {windows}. "
        f"Licence: {here['licence']}."
    )


def _persons(here: Plain, cell: Plain) -> str:
    if not here["subjects"]:
        return "Unknown: nobody knows who was recorded."
    stated = here["numbers"]
    ranges = [f"{name} {low:g} to {high:g}" for name, (low, high) in stated.items()]
    known = f" Stated: {', '.join(ranges)}." if ranges else " Nothing else is stated."
    return f"{here['subjects']}. {_apart(cell)}{known}"


def _scores(cell: Plain, confidence: float) -> str:
    if cell["metrics"]["balanced_accuracy"]["value"] is None:
        return f"None: {cell['metrics']['balanced_accuracy'].get('reason', '')}"
    parts = [f"Balanced accuracy {reached(cell, confidence)}"]
    if (int8 := cell["metrics"].get("int8")) and int8["balanced_accuracy"]["value"]:
        parts.append(f"in int8 {100 * int8['balanced_accuracy']['value']:.1f} %")
    persons = findings.subjects(cell["cell"])["balanced_accuracy"].dropna()
    if len(persons):
        low, middle, high = 100 * persons.quantile([0, 0.5, 1])
        parts.append(
            f"of a person {low:.1f} % at least, {middle:.1f} % in the median, "
            f"{high:.1f} % at most"
        )
    return "; ".join(parts) + "."


def limits(here: Plain, cell: Plain) -> list[str]:
    """List what the figures of a cell do not show, or show to be wanting."""
    return [*_of_data(here, cell), *_of_results(cell), *_of_costs(cell)]


def _of_data(here: Plain, cell: Plain) -> list[str]:
    found = []
    if _is_simulated(cell):
        found.append("The recordings are simulated: nothing here is a clinical result.")
    if 0 < here["subjects"] < MANY:
        found.append(
            f"{here['subjects']} persons: intervals are wide, and what is rare among "
            "people may not occur."
        )
    if here["missing"]:
        plural = "" if len(here["missing"]) == 1 else "s"
        found.append(f"{len(here['missing'])} recording{plural} could not be used.")
    return [*found, *explained.oracles(cell["run"]["settings"])]


def _of_results(cell: Plain) -> list[str]:
    metrics = cell["metrics"]
    found = []
    weak = [
        f"{label} ({100 * row['sensitivity']['value']:.0f} %)"
        for label, row in metrics["classes"].items()
        if row["sensitivity"]["value"] is not None and row["sensitivity"]["value"] < LOW
    ]
    if weak:
        found.append(f"Less than half is found of {listed(weak)}.")
    absent = list(metrics.get("absent", {}))
    if absent:
        found.append(f"Not evaluated: {listed(absent)}.")
    if metrics["clock"]["near"]:
        found.append("Not shown to be better than the clock, which sees no signal.")
    found.append("One seed: another one gives other networks and other figures.")
    return found


def _of_costs(cell: Plain) -> list[str]:
    if "absent" in cell["energy"]["int8"]:
        return [f"No int8 network: {cell['energy']['int8']['absent']}."]
    return ["Energy is estimated from counted operations; no device was measured."]
