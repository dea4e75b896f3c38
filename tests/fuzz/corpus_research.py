"""Items of research: text, arrays, EEGLAB, FIF and archives of them."""

import gzip
import io
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from tests.fuzz import writing
from tests.fuzz.corpus_clinical import PEOPLE, STAGES, entry
from tests.fuzz.items import Files, Item
from tests.fuzz.signals import noise

COLUMN = {"from": "column", "key": "label", "map": {"0": "rest", "1": "task"}}
SERIAL = {"from": "variable", "key": "state", "map": {"0": "rest", "1": "task"}}
FIELD = {"from": "field", "key": "group", "map": STAGES}
TABLE: dict[str, object] = {
    "name": "table",
    "channels": ["c1", "c2", "c3"],
    "channel_type": "emg",
    "unit": "uV",
    "sfreq": 200,
}
ARRAY: dict[str, object] = {
    "name": "array",
    "names": ["c1", "c2", "c3", "c4"],
    "channel_type": "emg",
    "unit": "uV",
}


def items() -> Iterator[Item]:
    """Make all of them."""
    clock = {"time": "time", "time_unit": "ms"}
    yield table("csv-clock", "csv", {**clock, "delimiter": ","})
    yield table("csv-no-clock", "csv", {})
    european = {"delimiter": ";", "decimal": ",", **clock}
    yield table("csv-european", "csv", european, delimiter=";", decimal=",")
    yield table("tsv-packed", "tsv.gz", clock, delimiter="\t")
    yield long_table()
    yield held_table()
    yield array("npy", {"sfreq": 200, "axes": ["time", "channel"]})
    raw = {"sfreq": 200, "dtype": "<i2", "n_channels": 4, "scale": 0.5}
    yield array("raw", raw)
    inside = {"variable": "data", "sfreq_variable": "fs", "axes": ["time", "channel"]}
    yield array("npz", inside)
    yield array("mat", inside)
    yield array("h5", inside)
    yield array("mat", inside, hdf=True)
    yield eeglab(beside=True)
    yield eeglab(beside=False)
    yield fif()
    yield archive(table("csv-clock", "csv", clock), "zip")
    yield archive(table("csv-clock", "csv", clock), "tar.gz")
    yield archive(
        table("csv-european", "csv", european, delimiter=";", decimal=","), "tar"
    )


def _labels(samples: int) -> list[int]:
    return [int(k // 150 % 2) for k in range(samples)]


def table(
    name: str,
    ending: str,
    settings: dict[str, object],
    *,
    delimiter: str = ",",
    decimal: str = ".",
) -> Item:
    """A text file with a label in each row."""
    files: Files = {}
    for who in PEOPLE:
        values = 1e6 * noise(f"{who}{name}", 3, 900, 50e-6)
        columns = [[5 * k for k in range(900)], *values.tolist(), _labels(900)]
        header = ["time", "c1", "c2", "c3", "label"]
        if "time" not in settings:
            header, columns = header[1:], columns[1:]
        content = writing.csv_table(
            header, columns, delimiter=delimiter, decimal=decimal
        )
        packed = gzip.compress(content, mtime=0) if ending.endswith("gz") else content
        files[f"{who}.{ending}"] = packed
    made = entry(f"{{subject}}.{ending}", {**TABLE, **settings}, COLUMN)
    mains = {who: f"{who}.{ending}" for who in PEOPLE}
    return Item(name, "table", files, made, mains)


def long_table() -> Item:
    """A row a channel's value."""
    files: Files = {}
    names = ["c1", "c2", "c3"]
    for who in PEOPLE:
        values = 1e6 * noise(f"{who}long", 3, 300, 50e-6)
        rows = [
            (5 * k, name, float(values[c, k]), k // 100 % 2)
            for k in range(300)
            for c, name in enumerate(names)
        ]
        header = ["time", "channel", "value", "label"]
        files[f"{who}.csv"] = writing.csv_table(header, list(zip(*rows, strict=True)))
    settings = {"layout": "long", "channel_column": "channel", "value_column": "value"}
    settings |= {"time": "time", "time_unit": "ms"}
    made = entry("{subject}.csv", {**TABLE, **settings}, COLUMN)
    mains = {who: f"{who}.csv" for who in PEOPLE}
    return Item("csv-long", "table", files, made, mains)


def held_table() -> Item:
    """A log on a clock of 1 ms that holds samples of 200 Hz."""
    files: Files = {}
    for who in PEOPLE:
        values = np.round(1e6 * noise(f"{who}held", 3, 400, 50e-6))
        held = np.repeat(values.astype(int), 5, axis=1)
        samples = held.shape[1]
        columns = [list(range(samples)), *held.tolist()]
        label = [k // 500 % 2 for k in range(samples)]
        header = ["time", "c1", "c2", "c3", "label"]
        files[f"{who}.txt"] = writing.csv_table(
            header, [*columns, label], delimiter="\t"
        )
    settings = {"time": "time", "time_unit": "ms", "held": True}
    made = entry("{subject}.txt", {**TABLE, **settings}, COLUMN)
    mains = {who: f"{who}.txt" for who in PEOPLE}
    return Item("text-held", "table", files, made, mains)


def array(ending: str, settings: dict[str, object], *, hdf: bool = False) -> Item:
    """An array in a format of its own."""
    files, mains = {}, {}
    inside = "variable" in settings
    for who, group in zip(PEOPLE, ("rest", "task"), strict=True):
        values = 1e6 * noise(f"{who}{ending}{hdf}", 4, 600, 50e-6).T
        variables = {"data": values, "fs": 200.0, "state": np.array(_labels(600))}
        name = f"{who}.{ending}" if inside else f"{group}/{who}.{ending}"
        files[name] = _array_bytes(ending, variables, hdf=hdf)
        mains[who if inside else f"{group}_{who}"] = name
    label = SERIAL if inside else FIELD
    pattern = f"{{subject}}.{ending}" if inside else f"{{group}}/{{subject}}.{ending}"
    made = entry(pattern, {**ARRAY, **settings}, label)
    return Item(f"array-{ending}{'73' * hdf}", "array", files, made, mains)


def _array_bytes(ending: str, variables: dict[str, object], *, hdf: bool) -> bytes:
    out = io.BytesIO()
    values = np.asarray(variables["data"])
    if ending == "raw":
        return np.round(2 * values).astype("<i2").tobytes()
    if ending == "npy":
        np.save(out, values.astype("<f4"))
    elif ending == "npz":
        np.savez_compressed(out, **variables)  # type: ignore[arg-type]
    elif ending == "mat" and not hdf:
        scipy.io.savemat(out, variables, do_compression=True)
        # The head holds the time: equal seeds give equal bytes.
        content = out.getvalue()
        return b"MATLAB 5.0 MAT-file".ljust(116) + content[116:]
    else:
        turned = ending == "mat"
        with h5py.File(out, "w", userblock_size=512 if turned else 0) as file:
            for name, value in variables.items():
                found = np.atleast_2d(value) if turned else np.asarray(value)
                made = file.create_dataset(
                    name, data=found.T if turned else found, track_times=False
                )
                if turned:
                    made.attrs["MATLAB_class"] = np.bytes_("double")
    return out.getvalue()


def eeglab(*, beside: bool) -> Item:
    """An EEGLAB set with its samples inside or beside it."""
    files: Files = {}
    for who in PEOPLE:
        microvolts = (1e6 * noise(f"{who}set{beside}", 4, 1280, 20e-6)).astype("<f4")
        names = ["C3", "C4", "Cz", "Pz"]
        events = [
            {"type": ["left", "right"][k % 2], "latency": float(1 + 60 * (k + 1))}
            for k in range(20)
        ]
        eeg = {
            "srate": 128.0,
            "nbchan": 4.0,
            "pnts": 1280.0,
            "trials": 1.0,
            "xmin": 0.0,
            "xmax": 1279 / 128,
            "chanlocs": [{"labels": name} for name in names],
            "event": events,
            "epoch": np.array([]),
            "data": f"{who}.fdt" if beside else microvolts,
        }
        out = io.BytesIO()
        scipy.io.savemat(out, {"EEG": eeg})
        content = out.getvalue()
        files[f"{who}.set"] = b"MATLAB 5.0 MAT-file".ljust(116) + content[116:]
        if beside:
            files[f"{who}.fdt"] = microvolts.T.tobytes()
    label = {"from": "annotation", "map": {"left": "left", "right": "right"}}
    made = entry(
        "{subject}.set", {"name": "mne", "channels": ["C3", "C4", "Cz"]}, label
    )
    mains = {who: f"{who}.set" for who in PEOPLE}
    return Item(f"eeglab-{'fdt' if beside else 'set'}", "eeglab", files, made, mains)


def fif() -> Item:
    """FIF, as the house writes it."""
    import mne

    from pipeline import files as project_files

    found: Files = {}
    names = ["C3", "C4", "Cz"]
    with tempfile.TemporaryDirectory() as folder:
        for who in PEOPLE:
            info = mne.create_info(names, 128.0, "eeg", verbose="error")
            volts = noise(f"{who}fif", 3, 1280, 20e-6)
            raw = mne.io.RawArray(volts, info, verbose="error")
            notes = mne.Annotations(
                [0.5, 4.0, 7.25], [2, 2, 2], ["rest", "task", "rest"]
            )
            raw.set_annotations(notes)
            path = Path(folder) / f"{who}_raw.fif"
            project_files.save_recording(path, raw)
            found[path.name] = path.read_bytes()
    label = {"from": "annotation", "as": "blocks", "map": STAGES}
    made = entry("{subject}_raw.fif", {"name": "mne"}, label)
    mains = {who: f"{who}_raw.fif" for who in PEOPLE}
    return Item("fif", "fif", found, made, mains)


def archive(item: Item, ending: str) -> Item:
    """Put an item's files into an archive."""
    out = io.BytesIO()
    if ending == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in item.files.items():
                packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    else:
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as tar:
            for name, content in item.files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        zipped = ending.endswith("gz")
        out.write(gzip.compress(raw.getvalue(), mtime=0) if zipped else raw.getvalue())
    name = f"set.{ending}"
    mains = {who: f"{name}/{main}" for who, main in item.mains.items()}
    facts = {"inner": item.decoder}
    label = f"archive-{ending}-{item.name}"
    return Item(label, "archive", {name: out.getvalue()}, item.entry, mains, facts)
