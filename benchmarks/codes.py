"""Compare spike codes with one model: accuracy, events, SNR, and energy.

    python benchmarks/codes.py ecg_demo emg_demo eeg_demo --model lif --seeds 3
    python benchmarks/codes.py ecg_demo --codes delta send_on_delta --seeds 3
    python benchmarks/codes.py mitdb_ds1 --model linear --heads --seeds 1

The prepared signals must be there (`dvc repro prepare@ecg_demo`). Spikes are made here,
in `.codes`, and a cell for each code and seed. Cells that are done are used again, so a
run that was stopped goes on by the same command; `.codes` may be removed at any time.
All codes are trained in the same folds with the same seeds. Differences are from the
first, paired over seeds and persons (BCa bootstraps over persons). The table is printed
as Markdown and lies in `.codes/DATASET-MODEL.md`.

A code is an entry of `encoders` in `params.yaml`, and may be changed: `beat+heads`
learns each class against the rest, and premature beats from the rhythm alone;
`+one_vs_rest`, `+offsets` and `+annotated` are the rest of docs/encoders_rhythm.md.
`--heads` lists the rows of docs/results.md. Energy is estimated, µJ a window at
45 nm: float32 arithmetic of encoder and network, and the int8 network with memory.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from _code_cells import WORK, Contestant, score
from _kept_cells import Progress, Score
from compare import METRICS, Result, difference

from pipeline import config, files
from pipeline.components import find
from pipeline.errors import PipelineError
from pipeline.evaluation.metrics import f1

HEADS = (
    "delta",
    "delta+one_vs_rest",
    "delta+one_vs_rest+offsets",
    "beat",
    "beat+heads",
    "beat_novel+heads",
    "beat_novel+heads+annotated",
)


def usual() -> list[str]:
    """List the codes of any signal, the default first; those of beats are asked for."""
    params = config.load()
    kinds = {name: params.plain(f"encoders.{name}")["name"] for name in _entries()}
    special = [
        name
        for name, kind in kinds.items()
        if kind == "joined" or getattr(find("encoders", kind), "values", None)
    ]
    return [name for name in kinds if name not in special]


def _entries() -> list[str]:
    return config.load().names("encoders")


def scored(
    contestants: Sequence[Contestant], n_seeds: int
) -> Iterator[tuple[Contestant, list[Score]]]:
    """Score all, seed after seed of each, and report progress."""
    progress = Progress(len(contestants) * n_seeds)
    for place, contestant in enumerate(contestants):
        scores = []
        for seed in range(n_seeds):
            scores.append(score(contestant, seed))
            what = f"{contestant.dataset} {contestant.name}, seed {seed}"
            progress.report(place * n_seeds + seed + 1, what, scores[-1])
            if "absent" in scores[-1].found:
                break
        yield contestant, scores


def result(contestant: Contestant, scores: Sequence[Score]) -> Result:
    """Pool a contestant's seeds for `compare`."""
    tables = np.array([each.found["tables"] for each in scores])
    seconds = sum(each.found["seconds"] for each in scores)
    labels = tuple(scores[0].found["labels"])
    return Result(contestant.name, labels, tables, seconds)


def lines(done: Sequence[tuple[Contestant, list[Score]]]) -> Iterator[str]:
    """Write the table, a line a contestant; what is absent has its reason."""
    there = [each for each in done if "absent" not in each[1][-1].found]
    if there:
        first = result(*there[0])
        columns = ["code"]
        for metric in METRICS:
            columns += [metric.__name__.replace("_", " "), "over seeds", "difference"]
        columns += [f"F1 {label}" for label in first.labels]
        columns += ["events/s", "SNR, dB", "encoder, µJ", "network, µJ", "int8, µJ"]
        yield _row(columns)
        yield _row(["---"] * len(columns))
        for contestant, scores in there:
            one = result(contestant, scores)
            yield _row([*_scores(one, first), *_costs(scores)])
        yield ""
    for contestant, scores in done:
        if reason := scores[-1].found.get("absent"):
            yield f"- `{contestant.name}` is absent: {reason}"
        elif reasons := _reasons(scores[0]):
            yield f"- `{contestant.name}`: {reasons}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _scores(one: Result, first: Result) -> Iterator[str]:
    """Write the metrics: mean, range over seeds, and difference from the first."""
    yield f"`{one.name}`"
    for metric in METRICS:
        each = [float(metric(table.sum(0))) for table in one.tables]
        yield f"{one.mean(metric):.3f}"
        yield f"{min(each):.3f} to {max(each):.3f}"
        yield (
            ""
            if one is first or one.name == first.name
            else difference(metric, one, first)
        )
    yield from (f"{value:.3f}" for value in one.mean(f1))


def _costs(scores: Sequence[Score]) -> Iterator[str]:
    """Write what a code gives and takes; a dash where there is no figure."""
    encoding = scores[0].found["encoding"]
    yield f"{encoding['events_per_s']:.1f}"
    yield "–" if encoding["snr_db"] is None else f"{encoding['snr_db']:.1f}"
    for kind in ("encoder_uj", "network_uj", "int8_uj"):
        found = [each.found["energy"][kind] for each in scores]
        known = [value for value in found if value is not None]
        yield f"{np.mean(known):.3g}" if len(known) == len(found) else "–"


def _reasons(scored: Score) -> str:
    """Join the reasons of figures that are absent."""
    encoding: dict[str, Any] = scored.found["encoding"]
    reasons = [] if encoding["snr_db"] is not None else [*encoding["snr_absent"]]
    energy = scored.found["energy"]
    reasons += [
        f"{kind}: {energy[f'{kind}_absent']}"
        for kind in ("encoder", "int8")
        if energy[f"{kind}_uj"] is None
    ]
    return "; ".join(reasons)


def _refuse_unknown(contestants: Sequence[Contestant]) -> None:
    """End before any work if a code or the model cannot be used."""
    try:
        for each in contestants:
            each.encoder(), each.network(), each.training()
    except PipelineError as error:
        raise SystemExit(str(error)) from None


def main() -> None:
    """Score the codes of each data set, and write its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="+", metavar="DATASET")
    parser.add_argument("--model", default="lif", help="default: lif")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--codes", nargs="+", metavar="CODE[+VARIANT]", default=None)
    which.add_argument("--heads", action="store_true", help="rows of docs/results.md")
    parser.add_argument("--seeds", type=int, default=3, help="default: 3")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    codes = HEADS if asked.heads else asked.codes or usual()
    for dataset in asked.datasets:
        every = [Contestant.read(dataset, asked.model, code) for code in codes]
        _refuse_unknown(every)
        done, path = [], WORK / f"{dataset}-{asked.model}{'-heads' * asked.heads}.md"
        for each in scored(every, asked.seeds):
            done.append(each)
            with files.replacing(path) as partial:
                title = f"`{dataset}`, `{asked.model}`, seeds: {asked.seeds}"
                partial.write_text("\n".join([title, "", *lines(done), ""]))
        print(path.read_text())


if __name__ == "__main__":
    main()
