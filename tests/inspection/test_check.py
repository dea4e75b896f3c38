"""`biospike check NAME` on a tiny data set, from its files to the text and the page."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import files, secret
from pipeline.__main__ import check_dataset
from pipeline.config import Params
from pipeline.errors import ConfigError, DataError
from pipeline.ingestion.leaving import Naming, names_by_pseudonym
from pipeline.ingestion.recordings import ingest
from pipeline.inspection import page
from pipeline.inspection.check import Checked, check
from pipeline.inspection.findings import Finding
from pipeline.preparation import prepare as preparing
from pipeline.preparation.schemes import Predefined
from pipeline.secret import PSEUDONYM, Secret
from pipeline.sources.folder import Folder


@pytest.fixture
def write_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Write the raw files of a data set `x`, and give its `params.yaml`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    monkeypatch.setenv("COLUMNS", "80")

    def write(n_subjects: int = 6, seconds: int = 12) -> dict[str, Any]:
        raw = tmp_path / "data" / "raw" / "x"
        raw.mkdir(parents=True)
        for subject in range(n_subjects):
            write_table(raw / f"p{subject}_1.csv", seed=subject, seconds=seconds)
        save_manifest(raw)
        return settings()

    return write


def write_table(path: Path, *, seed: int, seconds: int = 12) -> None:
    """Write two channels of noise at 200 Hz; rest and fist come in either order."""
    rng = np.random.default_rng(seed)
    n_samples = 200 * seconds
    code = np.repeat((1, 2) if seed % 2 else (2, 1), n_samples // 2)
    frame = pd.DataFrame({"s": np.arange(n_samples) / 200, "class": code})
    frame[["a", "b"]] = (5e-5 * rng.standard_normal((n_samples, 2))).round(9)
    frame.to_csv(path, index=False)


def save_manifest(raw: Path, *, pseudonyms: bool = False, **source: Any) -> None:
    """Write what fetch would write of the tables that lie in a folder."""
    paths = sorted(path for path in raw.rglob("*") if path.suffix != ".json")
    fetched = {"name": "folder", **plain_source(), **source}
    files.save_json(
        raw / "manifest.json",
        {
            "root": "",
            "files": {path.name: files.file_digest(path) for path in paths},
            "absent": {},
            "left_out": {},
            "pattern": ["{subject}_{run}.csv"],
            "only": [],
            "except": [],
            "settings": {"seed": 1, "source": fetched},
            "pseudonyms": pseudonyms,
        },
    )


def plain_source() -> dict[str, Any]:
    """Give the source's settings as the manifest has them."""

    source = Folder(path="/nowhere", pattern="{subject}_{run}.csv")
    return dict(source.model_dump(mode="json"))


def settings() -> dict[str, Any]:
    """Give `params.yaml` of the data set `x` and a grid of two models."""
    convolutional = {"name": "convolutional", "channels": [4, 4], "bins": 8}
    return {
        "seed": 1,
        "on_bad_recording": "raise",
        "grid": {
            "dataset": ["x"],
            "encoder": ["delta"],
            "model": ["lif", "linear"],
            "audit": {"dataset": [], "encoder": [], "model": []},
        },
        "encoders": {"delta": {"name": "delta"}},
        "models": {
            "lif": {"network": convolutional, "neuron": {"name": "leaky"}},
            "linear": {
                "network": {"name": "dense", "units": [], "bins": 8},
                "neuron": {"name": "relu"},
            },
        },
        "evaluation": {"resamples": 100},
        "datasets": {
            "x": {
                "card": {
                    "title": "Two gestures",
                    "modality": "emg",
                    "licence": "none",
                    "citation": "own",
                },
                "labels": ["rest", "fist"],
                "source": {
                    "name": "folder",
                    "path": "/nowhere",
                    "pattern": "{subject}_{run}.csv",
                },
                "reader": {
                    "name": "table",
                    "time": "s",
                    "channels": ["a", "b"],
                    "channel_type": "emg",
                    "unit": "V",
                    "sfreq": 200,
                    "line_freq": 50,
                },
                "values": {
                    "label": {
                        "from": "column",
                        "key": "class",
                        "map": {1: "rest", 2: "fist"},
                    }
                },
                "signal": {
                    "l_freq": 20,
                    "h_freq": 90,
                    "scale": {"tau_s": 10, "floor": 1e-6},
                },
                "windows": {
                    "kind": "sliding",
                    "length_s": 0.5,
                    "step_s": 0.5,
                    "skip_s": 0.1,
                },
                "folds": {"scheme": "cross_subject", "n_folds": 3},
            }
        },
    }


def params(sections: dict[str, Any], **changes: Any) -> Params:
    """Make params of sections, some settings of the data set changed."""
    own = {**sections["datasets"]["x"], **changes}
    return Params({**sections, "datasets": {"x": own}})


def found(checked: Checked, kind: str) -> Finding:
    """Give the one finding of a kind."""
    (only,) = [each for each in checked.findings if each.kind == kind]
    return only


def test_a_sound_set_can_be_used_and_nothing_is_to_be_mended(
    write_set: Callable[..., dict[str, Any]],
) -> None:
    checked = check(params(write_set()), "x")
    assert checked.verdict == "yes"
    n_windows = len(checked.trial.used)
    assert n_windows == 6 * 2 * 11
    assert checked.answer == "Yes: 132 windows of 6 subjects in 3 folds."
    assert [f for f in checked.findings if f.severity != "note"] == []


SCHEMES = {
    "dealt": {"scheme": "cross_subject", "n_folds": 3},
    "listed": {"scheme": "predefined", "train": ["@train.txt"], "test": ["p3_1"]},
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("pseudonyms", [False, True])
def test_windows_and_folds_are_those_that_prepare_makes(
    write_set: Callable[..., dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pseudonyms: bool,
    scheme: str,
) -> None:
    own = params(write_set(), folds=SCHEMES[scheme])
    save_manifest(files.folder("raw", "x"), pseudonyms=pseudonyms)
    naming = Naming(Secret(b"a key") if pseudonyms else None)
    monkeypatch.setattr(secret, "load", lambda: naming.secret)
    listed = ["p0_1", "# a remark", "", "p1_1", naming.recording("p2_1")]
    (tmp_path / "train.txt").write_text("\n".join(listed))
    checked = check(own, "x")
    asked = checked.asked
    raw, target = files.folder("raw", "x"), files.folder("recordings", "x")
    target.mkdir(parents=True)
    manifest = files.load_json(raw / "manifest.json")
    labels = list(asked.labels)
    done = ingest(
        asked.intake, raw, target, manifest=manifest, labels=labels, code="",
        naming=naming,
    )  # fmt: skip
    own_names = names_by_pseudonym(done.rows, naming)
    folds = asked.folds
    if isinstance(folds, Predefined):
        folds = folds.named(lambda name: naming.recording(own_names.get(name, name)))
    for name in ("signals", "tables"):
        (tmp_path / name).mkdir()
    preparing.prepare(
        "x",
        tmp_path / "signals",
        tmp_path / "tables",
        signal=asked.signal,
        windows=asked.windows,
        folds=folds,
        labels=labels,
        seed=asked.seed,
        code="",
    )
    for name, tried in (
        ("windows", checked.trial.windows),
        ("folds", checked.trial.folds),
    ):
        made = files.load_table(tmp_path / "tables" / f"{name}.parquet")
        for column in {"recording", "subject"} & set(made):
            named = all(PSEUDONYM.fullmatch(text) for text in made[column])
            assert named == pseudonyms
            made[column] = made[column].map(lambda text: own_names.get(text, text))
        pd.testing.assert_frame_equal(tried, made, check_dtype=False)


def test_names_that_would_leave_are_reported(
    write_set: Callable[..., dict[str, Any]],
) -> None:
    sections = write_set()
    raw = files.folder("raw", "x")
    for path in raw.glob("p*.csv"):
        path.rename(path.with_name(path.name.replace("p", "Novakova")))
    save_manifest(raw, pseudonyms=True)
    own = sections["datasets"]["x"]
    assert check(params(sections), "x").verdict == "yes"
    source = {**own["source"], "except": ["Novakova4*", "*.txt", "@left_out.txt"]}
    listed = found(check(params(sections, source=source), "x"), "Names in params.yaml")
    assert (listed.severity, listed.where) == ("warning", ("source.except",))
    channels = {"a": ["a"], "Novakova3": ["b"]}
    reader = {**own["reader"], "channels": channels}
    checked = check(params(sections, reader=reader), "x")
    called = found(checked, "Channel called like a person")
    assert (called.severity, called.where) == ("error", ("Novakova3",))
    assert "Novakova3_1" in page.render(checked)
    assert "it is for this machine" in page.render(checked)


def test_a_refused_recording_ends_ingest_unless_it_is_skipped(
    write_set: Callable[..., dict[str, Any]],
) -> None:
    sections = write_set()
    raw = files.folder("raw", "x")
    table = pd.read_csv(raw / "p1_1.csv")
    table.loc[300:302, "b"] = np.nan
    table.to_csv(raw / "p1_1.csv", index=False)
    save_manifest(raw)
    checked = check(params(sections), "x")
    refused = found(checked, "Refused recording")
    assert (refused.severity, refused.where) == ("error", ("p1_1",))
    assert "no number in column 'b'" in refused.what
    assert "bad_rows" in refused.remedy
    assert "on_bad_recording: skip" in refused.remedy
    assert checked.verdict == "not yet"
    skipped = check(params({**sections, "on_bad_recording": "skip"}), "x")
    assert found(skipped, "Refused recording").severity == "warning"
    assert skipped.answer == "Yes: 110 windows of 5 subjects in 3 folds."


def test_the_command_prints_the_answer_and_the_page_and_ends_without_an_error(
    write_set: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    sections = write_set()
    raw = files.folder("raw", "x")
    write_table(raw / "odd.csv", seed=9)
    save_manifest(raw)
    check_dataset(params(sections), "x")
    printed = capsys.readouterr()
    assert "Yes: 132 windows" in printed.out
    assert "odd.csv" in printed.out
    assert max(map(len, printed.out.splitlines())) <= 80
    assert str(Path("data/checks/x.html")) in printed.err.replace("\n", "")
    assert files.DATA.joinpath("checks", "x.html").exists()


def test_what_cannot_be_used_ends_the_command(
    write_set: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    own = write_set(n_subjects=2)
    with pytest.raises(DataError, match="cannot be used"):
        check_dataset(params(own), "x")
    printed = " ".join(capsys.readouterr().out.split())
    assert "No: 2 recordings and 44 windows are usable" in printed
    assert "No folds can be made" in printed
    assert "cross_session" in printed, "the remedy of the folds"
    values = {"label": {"from": "column", "key": "class", "map": {8: "rest"}}}
    with pytest.raises(DataError, match="cannot be used"):
        check_dataset(params(own, values=values), "x")
    assert "'1' 1, '2' 1" not in printed
    assert "Recording without a label" in capsys.readouterr().out


def test_a_wrong_name_and_a_set_that_is_not_fetched_have_a_remedy(
    write_set: Callable[..., dict[str, Any]],
) -> None:
    sections = write_set()
    sections["datasets"]["gestures"] = sections["datasets"]["x"]
    with pytest.raises(ConfigError, match="did you mean 'gestures'"):
        check(Params(sections), "gesture")
    with pytest.raises(DataError, match="dvc repro fetch@gestures"):
        check(Params(sections), "gestures")


def test_a_source_that_changed_since_is_found(
    write_set: Callable[..., dict[str, Any]],
) -> None:
    sections = write_set()
    source = {"name": "folder", "path": "/nowhere", "pattern": "{subject}_{run}.*"}
    changed = check(params(sections, source=source), "x")
    assert found(changed, "Source has changed").severity == "warning"


def test_a_band_beyond_half_the_rate_is_found_before_prepare(
    write_set: Callable[..., dict[str, Any]],
) -> None:
    sections = write_set()
    signal = {"h_freq": 150, "scale": {"tau_s": 10, "floor": 1e-6}}
    checked = check(params(sections, signal=signal), "x")
    ended = found(checked, "Prepare would end")
    assert ended.where == ("signal.h_freq",)
    assert "less than 100 Hz" in ended.what
    assert checked.verdict == "no"


def test_windows_too_short_for_a_network_of_the_grid_are_found(
    write_set: Callable[..., dict[str, Any]],
) -> None:
    sections = write_set()
    windows = {"kind": "sliding", "length_s": 0.2, "step_s": 0.2}
    checked = check(params(sections, windows=windows), "x")
    short = found(checked, "Model that does not fit")
    assert short.where == ("models.lif",)
    assert "40 steps leave 5" in short.what
    assert checked.verdict == "not yet", "the other model of the grid can read them"


def test_beats_that_prepare_detects_lie_at_annotations_here(
    write_set: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    sections = write_set()
    around = {"kind": "beats", "beats": "detected", "tmin": 0.1, "tmax": 0.6}
    check_dataset(params(sections, windows=around), "x")
    shown = " ".join(capsys.readouterr().out.split())
    assert "Yes: 12 windows of 6 subjects" in shown
    assert "prepare detects its own" in shown
    elsewhere = check(params(sections, windows={**around, "channel": "z"}), "x")
    assert (
        "no channel 'z' to detect beats in"
        in found(elsewhere, "Prepare would end").what
    )


def test_the_page_stands_alone_and_shows_text_as_text(
    write_set: Callable[..., dict[str, Any]],
) -> None:
    sections = write_set()
    card = {**sections["datasets"]["x"]["card"], "title": "<script>alert(1)</script>"}
    values = sections["datasets"]["x"]["values"]
    labels = {"rest": "<img src=x onerror=y>", "fist": "a `b"}
    checked = check(params(sections, card=card, labels=labels, values=values), "x")
    text = page.render(checked)
    assert not re.search(r"<(script|img|link|iframe|image|use)\b", text)
    assert "http" not in text, "asks for nothing"
    assert "&lt;script&gt;" in text
    assert text.count('<div class="lanes">') == 1
    assert text.count("<path d=") == 6 * 2 + 2, "a lane a class, a spectrum a channel"


def test_backticks_become_code_and_stay_escaped() -> None:
    assert page.code("set `a<b` to 1") == "set <code>a&lt;b</code> to 1"
    assert page.code("one ` alone") == "one ` alone"
