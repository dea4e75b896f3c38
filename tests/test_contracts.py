"""The checks catch networks, sources and readers that break the contract."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.errors import DataError
from pipeline.files import file_digest
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.networks.parts.stack import Stack
from pipeline.neurons.leaky import Leaky
from pipeline.readers.base import Content
from pipeline.readers.table import Table
from pipeline.sources.base import Fetched
from pipeline.sources.folder import Folder
from pipeline.testing import check_network, check_reader, check_source
from tests.fuzz.writing import csv_table

SHAPE = Shape(n_steps=60, n_features=3, n_classes=2, dt=0.01)
NETWORK = Dense(units=(6,), bins=2)


class Averaging(Stack):
    """Reads a window beside the others."""

    def forward(self, spikes: Tensor) -> Tensor:
        logits = super().forward(spikes)
        return logits - logits.mean(0)


class Unseeded(Stack):
    """Adds numbers of its own."""

    def forward(self, spikes: Tensor) -> Tensor:
        return super().forward(spikes) + float(np.random.default_rng().random())


class Narrow(Stack):
    """Has a class too few."""

    def forward(self, spikes: Tensor) -> Tensor:
        return super().forward(spikes)[:, 1:]


class Endless(Stack):
    """Divides by nothing."""

    def forward(self, spikes: Tensor) -> Tensor:
        return super().forward(spikes) / 0


class Deaf(Stack):
    """Reads no spikes."""

    def forward(self, spikes: Tensor) -> Tensor:
        return super().forward(torch.zeros_like(spikes))


class Cut(Stack):
    """Lets no gradient through to its layers."""

    def forward(self, spikes: Tensor) -> Tensor:
        with torch.no_grad():
            for layer in self.layers:
                spikes, *_ = layer(spikes, None)
        return self.head(spikes)  # type: ignore[no-any-return]


class Growing(Stack):
    """Changes with what it reads."""

    def forward(self, spikes: Tensor) -> Tensor:
        logits = super().forward(spikes)
        self.head.linear.bias.data += 0.0 if self.training else 1.0
        return logits


class Greedy(Stack):
    """Changes the spikes that it was given."""

    def forward(self, spikes: Tensor) -> Tensor:
        logits = super().forward(spikes)
        spikes[0] = 0
        return logits


class Forgetful(Stack):
    """Starts anew with each piece of time."""

    def _piece(self, read: Any, start: int, dropped: Any, *given: Any) -> Any:
        return super()._piece(read, start, dropped, given[0], [() for _ in given[1]])


class Prophetic(Stack):
    """Looks one step ahead, to the first one at the end."""

    def _piece(self, read: Any, start: int, dropped: Any, *given: Any) -> Any:
        rolled = torch.roll(given[0], -1, dims=0)
        return super()._piece(read, start, dropped, rolled, given[1])


class Hasty(Stack):
    """Decides otherwise when it runs on."""

    def decide(self, *given: Any, **options: Any) -> Tensor:
        return super().decide(*given, **options) + 1


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        (Averaging, "alone than among others"),
        (Unseeded, "one seed"),
        (Narrow, r"logits \(4, 1\)"),
        (Endless, "not finite|one seed"),
        (Deaf, "all windows have the same logits"),
        (Cut, "no gradient reaches layers"),
        (Growing, "changes what it keeps|one seed"),
        (Greedy, "the spikes that it was given|one seed"),
        (Forgetful, "in pieces of"),
        (Prophetic, "in pieces of|change earlier decisions"),
        (Hasty, "when it runs on"),
    ],
)
def test_a_broken_network_is_caught(
    kind: type[Stack], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_network(NETWORK, Leaky(), shape=SHAPE)
    sound = Dense.build

    def build(network: Dense, shape: Shape, neuron: Any) -> Stack:
        built = sound(network, shape, neuron)
        return kind([*built.layers], built.head)  # type: ignore[list-item, arg-type]

    monkeypatch.setattr(Dense, "build", build)
    with pytest.raises(AssertionError, match=complaint):
        check_network(NETWORK, Leaky(), shape=SHAPE)


def test_a_network_whose_weights_come_from_nowhere_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = Dense.build

    def build(network: Dense, shape: Shape, neuron: Any) -> Stack:
        torch.manual_seed(int(np.random.default_rng().integers(2**31)))
        return sound(network, shape, neuron)

    monkeypatch.setattr(Dense, "build", build)
    with pytest.raises(AssertionError, match="one seed builds other numbers"):
        check_network(NETWORK, Leaky(), shape=SHAPE)


# Sources


Fetch = Callable[[Any, Path, int], Fetched]


def _made(source: Folder, target: Path, seed: int) -> Fetched:
    """Write the file anew, and remove what else is there."""
    for path in target.iterdir():
        path.unlink()
    (target / "a.csv").write_text("1,2\n")
    return Fetched({"a.csv": file_digest(target / "a.csv")})


def _false_digest(source: Folder, target: Path, seed: int) -> Fetched:
    return replace(_made(source, target, seed), files={"a.csv": "0" * 64})


def _missing(source: Folder, target: Path, seed: int) -> Fetched:
    made = _made(source, target, seed)
    return replace(made, files=made.files | {"b.csv": "0" * 64})


def _nothing(source: Folder, target: Path, seed: int) -> Fetched:
    return Fetched({})


def _outside(source: Folder, target: Path, seed: int) -> Fetched:
    (target.parent / "b.csv").touch()
    return Fetched({"../b.csv": file_digest(target.parent / "b.csv")})


def _silent(source: Folder, target: Path, seed: int) -> Fetched:
    return replace(_made(source, target, seed), absent={"b.csv": " "})


def _twice(source: Folder, target: Path, seed: int) -> Fetched:
    return replace(_made(source, target, seed), left_out={"a.csv": "no recording"})


def _keeps_others(source: Folder, target: Path, seed: int) -> Fetched:
    (target / "a.csv").write_text("1,2\n")
    return Fetched({"a.csv": file_digest(target / "a.csv")})


def _keeps_damage(source: Folder, target: Path, seed: int) -> Fetched:
    if not (target / "a.csv").exists():
        return _made(source, target, seed)
    for path in {*target.iterdir()} - {target / "a.csv"}:
        path.unlink()
    (target / "b.csv").write_text("1,2\n")
    return Fetched({"a.csv": file_digest(target / "b.csv")})


def _by_folder(source: Folder, target: Path, seed: int) -> Fetched:
    made = _made(source, target, seed)
    return replace(made, absent={target.parent.name: "not there"})


@pytest.mark.parametrize(
    ("fetch", "complaint"),
    [
        (_nothing, "delivers no file"),
        (_false_digest, "a.csv has another digest"),
        (_missing, "b.csv is reported and not there"),
        (_outside, "leaves the raw folder"),
        (_silent, "no reason is given for b.csv"),
        (_twice, "delivered, and absent or left out: a.csv"),
        (_keeps_others, "does not belong there stays"),
        (_keeps_damage, "another digest|not there"),
        (_by_folder, "another folder gets others"),
    ],
)
def test_a_broken_source_is_caught(
    fetch: Fetch, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = Folder(path="raw", pattern=("{subject}.csv",))
    for sound in (_made, fetch):
        monkeypatch.setattr(
            Folder, "fetch", lambda s, target, *, seed, by=sound: by(s, target, seed)
        )
        if sound is _made:
            check_source(source)
    with pytest.raises(AssertionError, match=complaint):
        check_source(source)


# Readers


def _twice_named(content: Content) -> Content:
    return replace(content, channels=("u", "u"))


def _drifting(content: Content) -> Content:
    """Counts samples from the beginning of the piece."""

    def read(start: int, stop: int) -> Any:
        return content.read(0, stop - start)

    return replace(content, read=read)


def _single(content: Content) -> Content:
    def read(start: int, stop: int) -> Any:
        return content.read(start, stop).astype(np.float32)

    return replace(content, read=read)


def _long(content: Content) -> Content:
    return replace(content, n_samples=content.n_samples + 1)


def _gaps(content: Content) -> Content:
    return replace(content, read=lambda *at: content.read(*at) * np.nan)


def _without_marks(content: Content) -> Content:
    return replace(content, marks={})


def _backwards(content: Content) -> Content:
    ((origin, marks),) = content.marks.items()
    turned = replace(marks, onset_s=marks.onset_s[::-1])
    return replace(content, marks={origin: turned})


def _shortened(content: Content) -> Content:
    ((origin, marks),) = content.marks.items()
    return replace(content, marks={origin: replace(marks, texts=marks.texts[1:])})


def _late(content: Content) -> Content:
    (first,) = content.segments
    return replace(content, segments=(replace(first, onset_s=1.0),))


def _overlapping(content: Content) -> Content:
    (first,) = content.segments
    return replace(content, segments=(first, replace(first, start=100)))


def _untyped(content: Content) -> Content:
    return replace(content, types=("eeg",))


def _ending_late(content: Content) -> Content:
    return replace(content, end=content.n_samples + 1)


def _moody(content: Content) -> Content:
    return replace(content, sfreq=100.0 + float(np.random.default_rng().random()))


def _moody_marks(content: Content) -> Content:
    ((origin, marks),) = content.marks.items()
    later = marks.onset_s + float(np.random.default_rng().random())
    return replace(content, marks={origin: replace(marks, onset_s=later)})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_twice_named, "channel names repeat"),
        (_drifting, "differ from those of one pass"),
        (_single, "not float64"),
        (_long, r"expected \(2, 301\)"),
        (_gaps, "not finite"),
        (_without_marks, "asked for"),
        (_backwards, "not in order"),
        (_shortened, "onsets, durations and texts"),
        (_late, "begins with"),
        (_overlapping, "does not follow"),
        (_untyped, r"\('eeg',\) for"),
        (_ending_late, "ends at 301 of 300"),
        (_moody, "a second reading has sfreq"),
        (_moody_marks, "a second reading gives other marks"),
    ],
)
def test_a_broken_reader_is_caught(
    change: Callable[[Content], Content],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = _reader(tmp_path)
    check_reader(reader, tmp_path, "a.csv", [("column", "code")])
    sound = Table.read

    def read(*given: Any) -> Content:
        return change(sound(*given))

    monkeypatch.setattr(Table, "read", read)
    with pytest.raises(AssertionError, match=complaint):
        check_reader(reader, tmp_path, "a.csv", [("column", "code")])


@pytest.mark.parametrize(
    ("name", "stated", "complaint"),
    [
        ("formats", {".CSV": "CSV"}, "'.CSV' is no suffix in lower case"),
        ("formats", {"csv": "CSV"}, "'csv' is no suffix"),
        ("formats", {".csv": ""}, "has no format's name"),
        ("signals", (".D AT",), "is no suffix"),
        ("looked_at", 0, "no file is looked at"),
        ("identifying", lambda self, path: [""], "may be a value of the file"),
        ("identifying", lambda self, path: ["Ottilie"], "'Ottilie' may be a value"),
    ],
)
def test_a_reader_that_states_what_cannot_be_is_caught(
    name: str,
    stated: Any,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = _reader(tmp_path)
    monkeypatch.setattr(Table, name, stated)
    with pytest.raises(AssertionError, match=complaint):
        check_reader(reader, tmp_path, "a.csv")


@pytest.mark.parametrize("kind", ["missing", "empty", "unnamed", "writes"])
def test_a_reader_that_takes_any_file_or_changes_it_is_caught(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, sound, path = _reader(tmp_path), Table.read, tmp_path / "a.csv"
    content = reader.read(tmp_path, ["a.csv"], [])

    def read(*given: Any) -> Content:
        if kind == "writes":
            (tmp_path / "index").touch()
        if kind == "missing" and not path.exists():
            return content
        if kind == "empty" and path.exists() and not path.stat().st_size:
            return content
        try:
            return sound(*given)
        except DataError:
            if kind == "unnamed":
                raise DataError("a file", "it is bad") from None
            raise

    monkeypatch.setattr(Table, "read", read)
    complaint = {
        "missing": "reads a file that is not there",
        "empty": "reads an empty file",
        "unnamed": "does not name it",
        "writes": "reading changes files",
    }[kind]
    with pytest.raises(AssertionError, match=complaint):
        check_reader(reader, tmp_path, "a.csv")


def _reader(folder: Path) -> Table:
    microvolts = np.random.default_rng(3).uniform(-100, 100, (2, 300)).round(1)
    columns = [*microvolts.tolist(), [1.0] * 100 + [2.0] * 200]
    (folder / "a.csv").write_bytes(csv_table(["u", "v", "code"], columns))
    return Table.model_validate(
        {"channels": ["u", "v"], "channel_type": "eeg", "unit": "uV", "sfreq": 100}
    )
