"""What a look sees in files: channels, rates, units, labels, settings."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from pipeline.errors import DataError
from pipeline.proposal import plain
from pipeline.proposal.facts import Looked
from pipeline.proposal.looking import spread
from pipeline.proposal.looks import array, mne, table, wfdb
from pipeline.readers.wfdb import Wfdb
from tests.fuzz.items import Mark
from tests.fuzz.writing import csv_table, edf, mit_annotations, wfdb_record

RNG = np.random.default_rng(11)
NOISE = RNG.uniform(-80, 80, (2, 1000)).round(1)


def settings(looked: Looked) -> dict[str, Any]:
    """The reader's settings that the files need."""
    return {name: chosen.value for name, chosen in looked.reader.items()}


def places(looked: Looked) -> list[tuple[str, tuple[str, ...], str]]:
    return [(each.where, each.classes, each.lasting) for each in looked.labels]


def write(folder: Path, **arrays: Any) -> list[str]:
    """Write two MAT files."""
    for name in ("a.mat", "b.mat"):
        scipy.io.savemat(folder / name, arrays)
    return ["a.mat", "b.mat"]


def test_the_largest_array_holds_the_samples_and_small_ones_describe_it(
    tmp_path: Path,
) -> None:
    names = np.array(["left", "right"], object)
    mains = write(tmp_path, emg=NOISE.T, Fs=500.0, ch_names=names, y=np.ones(1000))
    found = array.look(tmp_path, mains, mains, {})
    assert settings(found) == {
        "variable": "emg", "sfreq_variable": "Fs", "names_variable": "ch_names",
    }  # fmt: skip
    assert list(found.channels) == ["left", "right"]
    assert found.rates == (500.0,)


def test_a_variable_with_a_value_a_sample_makes_blocks(tmp_path: Path) -> None:
    mains = write(tmp_path, x=NOISE.T, label=np.repeat([1.0, 2.0], 500))
    found = array.look(tmp_path, mains, mains, {})
    assert settings(found) == {"variable": "x"}
    assert found.rates == ()
    assert found.channels == {}  # no variable names them
    assert places(found) == [("variable:label", ("1", "2"), "blocks")]
    assert found.labels[0].value == {"from": "variable", "key": "label", "as": "blocks"}


def test_one_array_alone_needs_no_name_and_another_key_is_asked_for(
    tmp_path: Path,
) -> None:
    np.save(tmp_path / "a.npy", NOISE)
    assert settings(array.look(tmp_path, ["a.npy"], ["a.npy"], {})) == {}
    for name, arm in (("a.mat", "left"), ("b.mat", "right")):
        scipy.io.savemat(tmp_path / name, {"x": NOISE, "arm": arm})
    mains = ["a.mat", "b.mat"]
    assert places(array.look(tmp_path, mains, mains, {})) == []
    found = array.look(tmp_path, mains, mains, {"label": "variable:arm"})
    assert places(found) == [("variable:arm", ("left", "right"), "recording")]
    assert "as" not in found.labels[0].value


def test_arrays_of_three_axes_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 4, 50)))
    with pytest.raises(DataError, match="has 3 axes"):
        array.look(tmp_path, ["a.npz"], ["a.npz"], {})


def tables(folder: Path, header: list[str], columns: list[Any], **how: Any) -> Any:
    for name in ("a.csv", "b.csv"):
        (folder / name).write_bytes(csv_table(header, columns, **how))
    return table.look(folder, ["a.csv", "b.csv"], ["a.csv", "b.csv"], {"sfreq": 100})


def test_counters_clocks_and_labels_are_no_channels(tmp_path: Path) -> None:
    codes = [float(k // 500) for k in range(1000)]
    counter = [float(k) for k in range(1000)]
    columns = [counter, *NOISE.tolist(), codes]
    found = tables(tmp_path, ["sample", "emg1", "emg2", "gesture"], columns)
    assert found.channels == {"emg1": "emg", "emg2": "emg"}
    assert settings(found) == {}
    assert places(found) == [("column:gesture", ("0", "1"), "blocks")]
    assert found.rates == ()  # no clock shows it


@pytest.mark.parametrize(
    ("name", "per_second", "unit"),
    [("time", 1.0, "s"), ("time", 1e3, "ms"), ("time", 1e6, "us"),
     ("t (ms)", 1e3, "ms"), ("timestamp_us", 1e6, "us"), ("Time [s]", 1.0, "s")],
)  # fmt: skip
def test_the_unit_of_a_clock_is_named_or_found_by_the_rate(
    tmp_path: Path, name: str, per_second: float, unit: str
) -> None:
    clock = [round(k / 200 * per_second, 6) for k in range(1000)]
    for file in ("a.csv", "b.csv"):
        text = csv_table([name, "u"], [clock, NOISE[0].tolist()], number="{:.12g}")
        (tmp_path / file).write_bytes(text)
    found = table.look(tmp_path, ["a.csv", "b.csv"], ["a.csv", "b.csv"], {})
    assert settings(found) == {"time": name, "time_unit": unit}
    assert found.rates == (200.0,)
    assert list(found.channels) == ["u"]


def test_a_clock_that_no_unit_fits_is_refused(tmp_path: Path) -> None:
    clock = [float(k) * 1e9 for k in range(1000)]
    (tmp_path / "a.csv").write_bytes(csv_table(["time", "u"], [clock, clock]))
    with pytest.raises(DataError, match="gives no rate in s, ms or us"):
        table.look(tmp_path, ["a.csv"], ["a.csv"], {})


def test_rows_without_numbers_are_named_and_no_clock_is_blamed(tmp_path: Path) -> None:
    rows = [f"{k / 200},{k % 7 if k < 500 else ''}" for k in range(1000)]
    (tmp_path / "a.csv").write_text("\n".join(["time,u", *rows, ""]))
    with pytest.raises(DataError, match="has no number in column 'u'"):
        table.look(tmp_path, ["a.csv"], ["a.csv"], {})


def test_commas_of_decimals_are_seen_where_they_divide_nothing(tmp_path: Path) -> None:
    columns = NOISE.tolist()
    found = tables(tmp_path, ["u", "v"], columns, delimiter=";", decimal=",")
    assert settings(found) == {"decimal": ","}


def edfs(folder: Path, *notes: list[Mark], labels: Any = ("EEG C3", "EEG C4")) -> Any:
    names = [f"{chr(97 + k)}.edf" for k in range(len(notes))]
    for name, own in zip(names, notes, strict=True):
        (folder / name).write_bytes(edf(list(labels), NOISE, 100, notes=own))
    return mne.look(folder, names, names, {})


def test_texts_that_mark_no_class_are_no_labels(tmp_path: Path) -> None:
    own = [Mark(1, 0, "left"), Mark(3, 0, "right"), Mark(5, 0, "Recording starts")]
    found = edfs(tmp_path, [*own, Mark(6, 0, "left")], [*own, Mark(7, 0, "right")])
    assert places(found) == [("annotation", ("left", "right"), "events")]
    assert found.channels == {"C3": "eeg", "C4": "eeg"}
    assert (found.rates, found.units) == ((100.0,), ("uV",))


def test_annotations_that_last_are_blocks_and_single_ones_no_classes(
    tmp_path: Path,
) -> None:
    lasting = [Mark(0, 2, "rest"), Mark(2, 2, "fist"), Mark(4, 2, "rest")]
    found = edfs(tmp_path, lasting, lasting)
    assert places(found) == [("annotation", ("fist", "rest"), "blocks")]
    once = [Mark(k, 0, f"note {k}") for k in range(4)]
    for file in tmp_path.iterdir():
        file.unlink()
    assert places(edfs(tmp_path, once)) == []


def test_channels_that_some_files_lack_are_left_out(tmp_path: Path) -> None:
    labels = (["EEG C3", "EEG Cz"], ["EEG C3", "EEG Pz"])
    for name, own in zip(("a.edf", "b.edf"), labels, strict=True):
        (tmp_path / name).write_bytes(edf(own, NOISE, 100))
    names = ["a.edf", "b.edf"]
    found = mne.look(tmp_path, names, names, {})
    assert found.channels == {"C3": "eeg"}
    assert found.dropped == ("Cz", "Pz")


@pytest.mark.parametrize(
    ("stated", "expected"), [((60, 60), 60.0), ((50, 60), None), ((None, 50), 50.0)]
)
def test_mains_are_those_that_all_sidecars_state(
    tmp_path: Path, stated: tuple[int | None, ...], expected: float | None
) -> None:
    names = ["dataset_description.json"]
    (tmp_path / names[0]).write_text('{"BIDSVersion": "1.9.0"}')
    mains = []
    for person, line in enumerate(stated, 1):
        stem = f"sub-{person}/eeg/sub-{person}_task-rest_eeg"
        (tmp_path / stem).parent.mkdir(parents=True)
        (tmp_path / f"{stem}.edf").write_bytes(edf(["EEG C3", "EEG C4"], NOISE, 100))
        about = {"PowerLineFrequency": line} if line else {}
        (tmp_path / f"{stem}.json").write_text(json.dumps(about))
        mains.append(f"{stem}.edf")
        names += [f"{stem}.edf", f"{stem}.json"]
    found = mne.look(tmp_path, mains, names, {})
    assert found.line_freq == expected
    assert list(found.channels) == ["C3", "C4"]


def records(
    folder: Path, extension: str, notes: list[tuple[int, str, str]], *comments: str
) -> Looked:
    names = []
    for name in ("a", "b", "c"):
        files = wfdb_record(name, ["II", "V1"], NOISE / 100, 250, 16, 200, comments)
        if notes:
            files[f"{name}.{extension}"] = mit_annotations(notes)
        for path, content in files.items():
            (folder / path).write_bytes(content)
        names += list(files)
    mains = [name for name in names if name.endswith(".hea")]
    return wfdb.look(folder, mains, names, {})


BEATS = [(100 * k, "NV"[k % 4 == 3], "") for k in range(1, 9)]


def test_beats_are_the_classes_that_records_have(tmp_path: Path) -> None:
    found = records(tmp_path, "atr", BEATS)
    assert settings(found) == {}
    assert places(found) == [("annotation", ("N", "V"), "events")]
    assert (found.rates, found.units, found.shortest_s) == ((250.0,), ("mV",), 4.0)


def test_annotations_of_another_extension_are_a_setting(tmp_path: Path) -> None:
    found = records(tmp_path, "qrs", BEATS)
    assert settings(found) == {"annotations": "qrs"}


def test_records_without_annotations_have_comments(tmp_path: Path) -> None:
    for name, group in (("a", "x"), ("b", "y"), ("c", "x, y")):
        written = wfdb_record(
            name, ["II"], NOISE[:1] / 100, 250, 16, 200, [f"group: {group}"]
        )
        for path, content in written.items():
            (tmp_path / path).write_bytes(content)
    mains = ["a.hea", "b.hea", "c.hea"]
    found = wfdb.look(tmp_path, mains, [p.name for p in tmp_path.iterdir()], {})
    assert settings(found) == {"annotations": None}
    assert places(found) == [("header:group", ("x", "y"), "recording")]
    value = {"from": "header", "key": "group", "split": ","}
    assert found.labels[0].value == value


def test_notes_of_rhythm_are_spans(tmp_path: Path) -> None:
    notes = [(10, "+", "(N"), (400, "+", "(AFIB"), (700, "+", "(N")]
    found = records(tmp_path, "atr", notes)
    assert places(found) == [("note", ("sinus", "af"), "spans")]
    assert found.labels[0].value["map"] == {"(N": "sinus", "(AFIB": "af"}


def test_reading_alone_sees_the_same_channels_rate_and_labels(tmp_path: Path) -> None:
    """A format without a look of its own is looked at by its reader."""
    looked = records(tmp_path, "atr", BEATS)
    names = sorted(path.name for path in tmp_path.iterdir())
    mains = [name for name in names if name.endswith(".hea")]
    stated = {"unchecked": ("beats",)}  # they lie on no complexes
    found = plain.look("wfdb", tmp_path, mains, names, stated)
    assert list(found.channels) == list(looked.channels)
    assert (found.rates, found.shortest_s) == (looked.rates, looked.shortest_s)
    assert found.units == ("V",)  # as a reader gives them
    assert places(found)[0] == ("annotation", ("N", "V"), "events")
    assert found.labels[0].value == {"from": "annotation", "as": "events"}


def test_reading_looks_where_it_is_asked_to_and_skips_what_is_not_there(
    tmp_path: Path,
) -> None:
    written = wfdb_record("a", ["II"], NOISE[:1] / 100, 250, 16, 200, ["group: x"])
    for path, content in written.items():
        (tmp_path / path).write_bytes(content)
    names = list(written)
    assert "annotation" in Wfdb().origins
    assert places(plain.look("wfdb", tmp_path, ["a.hea"], names, {})) == []
    asked = {"label": "header:group", "modality": "emg"}
    found = plain.look("wfdb", tmp_path, ["a.hea"], names, asked)
    assert found.channels == {"II": "emg"}  # as it is stated
    assert places(found) == []  # one class alone


@pytest.mark.parametrize("look", [array.look, mne.look, table.look, wfdb.look])
def test_rubbish_is_refused_with_its_name(
    tmp_path: Path, look: Callable[..., Looked]
) -> None:
    for name in ("a.mat", "a.edf", "a.csv", "a.hea"):
        (tmp_path / name).write_bytes(b"\x00\x01 rubbish")
    suffix = {array.look: "mat", mne.look: "edf", table.look: "csv"}.get(look, "hea")
    with pytest.raises(DataError) as caught:
        look(tmp_path, [f"a.{suffix}"], [f"a.{suffix}"], {})
    assert f"a.{suffix}" in caught.value.where
    assert caught.value.remedy


@pytest.mark.parametrize(("n", "most"), [(1, 3), (3, 3), (10, 3), (1000, 24), (61, 60)])
def test_a_sample_is_spread_from_the_first_to_the_last(n: int, most: int) -> None:
    paths = [f"{k:04}" for k in range(n)]
    found = spread(paths, most)
    assert len(found) == min(n, most)
    assert (found[0], found[-1]) == (paths[0], paths[-1])
    assert len(set(found)) == len(found)
    gaps = np.diff([int(each) for each in found])
    assert not len(gaps) or gaps.max() - gaps.min() <= 1
