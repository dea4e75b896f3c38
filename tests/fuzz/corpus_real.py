"""Items cut from real recordings, so short that a mutant takes milliseconds."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.fuzz import writing
from tests.fuzz.corpus_clinical import PEOPLE, STAGES, entry
from tests.fuzz.decoders import edf as edf_decoder
from tests.fuzz.decoders import wfdb as wfdb_decoder
from tests.fuzz.decoders.mit_annotations import read_annotations
from tests.fuzz.items import Files, Item, utf8

MINUTE = 60 * 360
"""Samples of a minute of MIT-BIH."""
BEATS = {"N": "normal", "V": "ectopic"}
FIELD = {"from": "field", "key": "group", "map": STAGES}
EMG_ROWS = 1500


def items(data: Path) -> list[Item]:
    """Cut the recordings of a mirror; sets that it lacks are left out."""
    return [
        *_arrhythmias(data / "mitdb"),
        *_arithmetic(data / "eegmat"),
        *_gestures(data / "emg_gestures"),
        *_formats(data / "formats"),
    ]


def _read(path: Path) -> Files:
    """Read the files of a record that share its stem."""
    return {each.name: each.read_bytes() for each in path.parent.glob(f"{path.stem}.*")}


def _cut_record(files: Files, old: str, new: str, part: slice) -> Files:
    """Cut the samples of a record, and write lengths, first values and checksums."""
    header = wfdb_decoder.read_header(files, f"{old}.hea")
    rows = wfdb_decoder._digital(files, f"{old}.hea", header, header.length, False)
    cut = np.stack(rows)[:, part]
    lines = utf8(files[f"{old}.hea"]).splitlines()
    first = lines[0].split()
    first[:4] = [new, first[1], first[2], str(cut.shape[1])]
    out = [" ".join(first)]
    for line, row in zip(lines[1 : 1 + len(rows)], cut, strict=True):
        words = line.split(None, 8)
        total = int(row.sum()) % 65536
        words[0] = f"{new}.dat"
        words[5:7] = [str(row[0]), str(total - 65536 * (total >= 32768))]
        out.append(" ".join(words))
    out += lines[1 + len(rows) :]
    samples = writing.wfdb_samples(header.signals[0].fmt, cut.T.ravel())
    return {
        f"{new}.hea": "\n".join([*out, ""]).encode(),
        f"{new}.dat": samples,
    }


def _arrhythmias(folder: Path) -> Iterator[Item]:
    """A minute of each of two records with ectopic beats."""
    files: Files = {}
    for who in ("106", "119", "208", "223", "233"):
        if len(files) < 6 and (folder / f"{who}.hea").is_file():
            found = _read(folder / f"{who}.hea")
            _, beats = read_annotations(found[f"{who}.atr"])
            kept = [each for each in beats if each[0] < MINUTE]
            if {"N", "V"} <= {symbol for _, symbol, _ in kept}:
                files |= _cut_record(found, who, who, slice(0, MINUTE))
                files[f"{who}.atr"] = writing.mit_annotations(kept)
    names = sorted(name for name in files if name.endswith(".hea"))
    if len(names) == 2:
        reader: dict[str, object] = {"name": "wfdb", "channels": ["MLII", "V1"]}
        made = entry("{subject}.hea", reader, {"from": "annotation", "map": BEATS})
        mains = {name[:-4]: name for name in names}
        yield Item("real-mitdb", "wfdb", files, made, mains)


def _cut_edf(content: bytes, first: int, count: int) -> bytes:
    """Keep some records."""
    header = edf_decoder.read_header(content)
    start = int(content[184:192])
    records = header.records[first : first + count].tobytes()
    return content[:236] + str(count).encode().ljust(8) + content[244:start] + records


def _arithmetic(folder: Path) -> Iterator[Item]:
    """Eight seconds of EEG at rest and of another person who calculates."""
    names = ("Subject00_1.edf", "Subject01_2.edf")
    if all((folder / name).is_file() for name in names):
        files = {n: _cut_edf((folder / n).read_bytes(), 0, 8) for n in names}
        channels = ["Fp1", "F3", "C3", "P3", "O1", "Cz"]
        label = {"from": "field", "key": "run", "map": {"1": "rest", "2": "task"}}
        reader: dict[str, object] = {"name": "mne", "channels": channels}
        mains = {name[:-4]: name for name in names}
        facts = {"fields": {"Subject00_1": "1", "Subject01_2": "2"}}
        made = entry("{subject}_{run}.edf", reader, label)
        yield Item("real-eegmat", "edf", files, made, mains, facts)


def _gestures(folder: Path) -> Iterator[Item]:
    """The moment at which a gesture ends, in two persons' logs."""
    path = folder / "EMG_data_for_gestures-master.zip"
    if not path.is_file():
        return
    files: Files = {}
    with zipfile.ZipFile(path) as archive:
        texts = [n for n in archive.namelist() if re.search(r"/0[13]/1_raw.*txt", n)]
        for who, name in zip(PEOPLE, sorted(texts), strict=True):
            header, *rows = archive.read(name).decode().split("\n")
            labels = [row.strip().rpartition("\t")[2] for row in rows]
            end = next(k for k in range(len(rows)) if labels[k] == "1" != labels[k + 1])
            begin = end - EMG_ROWS // 2
            kept = [header, *rows[begin : begin + EMG_ROWS], ""]
            files[f"{who}.txt"] = "\n".join(kept).encode()
    reader: dict[str, object] = {
        "name": "table",
        "time": "time",
        "time_unit": "ms",
        "channels": [f"channel{k}" for k in range(1, 9)],
        "channel_type": "emg",
        "unit": "V",
        "sfreq": 200,
        "held": True,
    }
    label = {"from": "column", "key": "class", "map": {"0": "none", "1": "rest"}}
    mains = {who: f"{who}.txt" for who in PEOPLE}
    made = entry("{subject}.txt", reader, label)
    yield Item("real-gestures", "table", files, made, mains)


def _formats(folder: Path) -> Iterator[Item]:
    """Samples of many formats: the first part and the second as two persons."""
    for name, length in (
        ("test01_00s", 1500),
        ("310derive", 500),
        ("311derive_2", 500),
    ):
        if (folder / "wfdb" / f"{name}.hea").is_file():
            yield _record(folder / "wfdb" / f"{name}.hea", length)
    for path, count, channels in (
        ("eeglab/test.bdf", 4, ["A1", "A2", "A3"]),
        ("edf/test_utf8.edf", 20, ["Fp1"]),
    ):
        if (folder / path).is_file():
            yield _data_records(folder / path, count, channels)
    if (folder / "eeglab" / "testbva.vhdr").is_file():
        yield _brainvision(folder / "eeglab" / "testbva.vhdr", 800)
    if (tree := folder / "bids" / "emg_TwoWristbands").is_dir():
        yield _tree(tree)


def _record(path: Path, length: int) -> Item:
    files: Files = {}
    found = _read(path)
    for place, (who, group) in enumerate(zip(PEOPLE, STAGES, strict=True)):
        part = slice(place * length, (place + 1) * length)
        cut = _cut_record(found, path.stem, who, part)
        files |= {f"{group}/{name}": content for name, content in cut.items()}
    reader: dict[str, object] = {"name": "wfdb", "annotations": None}
    reader["unchecked"] = ["amplitude"]
    made = entry("{group}/{subject}.hea", reader, FIELD)
    mains = {f"{g}_{w}": f"{g}/{w}.hea" for w, g in zip(PEOPLE, STAGES, strict=True)}
    return Item(f"real-{path.stem}", "wfdb", files, made, mains)


def _data_records(path: Path, count: int, channels: list[str]) -> Item:
    files, mains = {}, {}
    content = path.read_bytes()
    for place, (who, group) in enumerate(zip(PEOPLE, STAGES, strict=True)):
        name = f"{group}/{who}{path.suffix}"
        files[name] = _cut_edf(content, place * count, count)
        mains[f"{group}_{who}"] = name
    reader: dict[str, object] = {"name": "mne", "channels": channels}
    reader["channel_type"] = "eeg"
    made = entry(f"{{group}}/{{subject}}{path.suffix}", reader, FIELD)
    return Item(f"real-{path.name}", "edf", files, made, mains)


def _brainvision(path: Path, points: int) -> Item:
    files: Files = {}
    header, markers = (
        utf8(path.read_bytes()),
        utf8(path.with_suffix(".vmrk").read_bytes()),
    )
    samples = np.frombuffer(path.with_suffix(".dat").read_bytes(), "<f4")
    n_channels = int(re.findall(r"NumberOfChannels=(\d+)", header)[0])
    table = samples.reshape(-1, n_channels)
    for place, who in enumerate(PEOPLE):
        own = header.replace(path.stem, who)
        own = re.sub(r"DataPoints=\d+", f"DataPoints={points}", own)
        first = place * points
        lines = markers.replace(path.stem, who).splitlines()
        kept = [x for x in (_moved(line, first, points) for line in lines) if x]
        files[f"{who}.vhdr"] = own.encode()
        files[f"{who}.vmrk"] = "\n".join([*kept, ""]).encode()
        files[f"{who}.dat"] = table[first : first + points].tobytes()
    codes = {"Stimulus/S  4": "four", "Stimulus/S  1": "one"}
    reader: dict[str, object] = {"name": "mne", "channels": ["Fp1", "C3", "O1"]}
    made = entry("{subject}.vhdr", reader, {"from": "annotation", "map": codes})
    mains = {who: f"{who}.vhdr" for who in PEOPLE}
    return Item("real-brainvision", "brainvision", files, made, mains)


def _moved(line: str, first: int, points: int) -> str:
    """Move a marker; "" if it lies outside."""
    if not (found := re.match(r"(Mk\d+=Stimulus,[^,]*,)(\d+)(.*)", line)):
        return line or ";"
    place = int(found[2]) - first
    return f"{found[1]}{place}{found[3]}" if 0 < place <= points else ""


def _tree(tree: Path) -> Item:
    """A BIDS tree of one person, and a second one whose samples run backwards."""
    files: Files = {}
    for path in sorted(tree.rglob("sub-01*.*")):
        name, content = path.relative_to(tree).as_posix(), path.read_bytes()
        if name.endswith("_channels.tsv"):
            # It states V where the file states uV, which is refused.
            content = re.sub(rb"\tV\b", b"\tuV", content)
        files[name] = content
        if name.endswith(".edf"):
            header = edf_decoder.read_header(content)
            width = header.signals[0].samples * header.size
            channels = header.records.reshape(header.n_records, -1, width)[::-1, ::-1]
            content = content[: int(content[184:192])] + channels.tobytes()
        files[name.replace("sub-01", "sub-02")] = content
    pattern = "sub-{subject}/emg/sub-{subject}_task-typing_emg.edf"
    label = {"from": "field", "key": "subject", "map": {"01": "one", "02": "two"}}
    mains = {w: pattern.replace("{subject}", w) for w in ("01", "02")}
    facts = {"fields": {"01": "01", "02": "02"}}
    made = entry(pattern, {"name": "mne"}, label)
    return Item("real-wristbands", "bids", files, made, mains, facts)
