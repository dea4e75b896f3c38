"""What every reader must do."""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from pipeline.errors import DataError
from pipeline.files import file_digest
from pipeline.readers.base import Content, Marks, Origin, Reader


def check_reader(
    reader: Reader, folder: Path, main: str, origins: Collection[Origin] = ()
) -> None:
    """Check that a reader keeps the contract of `pipeline.readers.base`.

    Channels have names of their own; samples are finite float64 and the same in pieces
    and in one; segments begin at 0 and follow each other; marks are in order and those
    that are asked for; a second reading gives the same; no file is changed; a file that
    is not there or holds nothing is refused. Suffixes are those of files, in lower
    case, and what identifies a person is named by kinds, never by values.

    Parameters
    ----------
    reader : Reader
    folder : Path
        Of a recording's files, and no others.
    main : str
        Its main file.
    origins : collection of Origin
        Places of the file that hold texts.
    """
    _check_stated(reader, folder / main)
    names = _files(folder)
    files = [main, *_companions(reader, folder, main, names)]
    before = {name: file_digest(folder / name) for name in names}
    content = reader.read(folder, files, origins)
    _check_content(content)
    _check_pieces(content)
    _check_origins(content, origins)
    _check_again(content, reader.read(folder, files, origins))
    after = {name: file_digest(folder / name) for name in _files(folder)}
    assert after == before, "reading changes files"
    _check_refusals(reader, folder, files, origins)


def _check_stated(reader: Reader, path: Path) -> None:
    for suffix in (*reader.formats, *reader.signals):
        right = re.fullmatch(r"\.[a-z0-9]+", suffix)
        assert right, f"'{suffix}' is no suffix in lower case"
    assert all(reader.formats.values()), "a suffix has no format's name"
    assert reader.looked_at > 0, "no file is looked at"
    for kind in reader.identifying(path):
        named = re.fullmatch("[a-z]+( [a-z]+)*", kind)
        assert named, f"'{kind}' may be a value of the file: a kind is in lower case"


def _files(folder: Path) -> list[str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path.relative_to(folder).as_posix() for path in paths]


def _companions(
    reader: Reader, folder: Path, main: str, names: Sequence[str]
) -> tuple[str, ...]:
    found = reader.companions(folder, main, names)
    assert main not in found, "the main file is its own companion"
    assert len(set(found)) == len(found), f"companions repeat: {found}"
    missing = set(found) - set(names)
    assert not missing, f"companions that are not there: {', '.join(sorted(missing))}"
    return found


def _check_content(content: Content) -> None:
    names = content.channels
    assert names, "no channels"
    assert len(set(names)) == len(names), f"channel names repeat: {names}"
    assert len(content.types) == len(names), f"{content.types} for {names}"
    assert 0 < content.sfreq < float("inf"), f"{content.sfreq} samples per second"
    assert content.n_samples > 0, "no samples"
    end = content.n_samples if content.end is None else content.end
    assert 0 < end <= content.n_samples, f"ends at {end} of {content.n_samples}"
    first, *_ = content.segments
    assert (first.start, first.onset_s) == (0, 0.0), f"begins with {first}"
    for one, next_one in pairwise(content.segments):
        lasts = (next_one.start - one.start) / content.sfreq
        follows = lasts > 0 and next_one.onset_s > one.onset_s
        assert follows, f"{next_one} does not follow {one}"
    assert content.segments[-1].start < content.n_samples, "the last segment is empty"


def _check_pieces(content: Content) -> None:
    n_samples = content.n_samples
    samples = content.read(0, n_samples)
    expected = len(content.channels), n_samples
    assert samples.shape == expected, f"samples {samples.shape}, expected {expected}"
    assert samples.dtype == np.float64, f"samples are {samples.dtype}, not float64"
    assert np.isfinite(samples).all(), "samples are not finite"
    rng = np.random.default_rng(11)
    edges = [0, *np.sort(rng.integers(0, n_samples + 1, 9)).tolist(), n_samples]
    for start, stop in pairwise(edges):
        same = np.array_equal(content.read(start, stop), samples[:, start:stop])
        assert same, f"samples {start} to {stop} differ from those of one pass"


def _check_origins(content: Content, origins: Collection[Origin]) -> None:
    found = content.marks.keys() | content.texts.keys()
    assert found == set(origins), f"texts of {found}, asked for {set(origins)}"
    for origin, marks in content.marks.items():
        _check_marks(origin, marks)


def _check_marks(origin: Origin, marks: Marks) -> None:
    sizes = len(marks.onset_s), len(marks.duration_s), len(marks.texts)
    assert len(set(sizes)) == 1, f"onsets, durations and texts of {origin}: {sizes}"
    onsets = marks.onset_s[~np.isnan(marks.onset_s)]
    assert (np.diff(onsets) >= 0).all(), f"onsets of {origin} are not in order"
    negative = (marks.duration_s < 0).any()
    assert not negative, f"durations of {origin} are negative"


def _check_again(content: Content, again: Content) -> None:
    for name in ("channels", "types", "sfreq", "n_samples", "segments", "end"):
        one, other = getattr(content, name), getattr(again, name)
        assert one == other, f"a second reading has {name} {other}, not {one}"
    n_samples = content.n_samples
    same = np.array_equal(content.read(0, n_samples), again.read(0, n_samples))
    assert same, "a second reading gives other samples"
    assert content.texts == again.texts, "a second reading gives other texts"
    for origin, marks in content.marks.items():
        _check_same_marks(origin, marks, again.marks[origin])


def _check_same_marks(origin: Origin, marks: Marks, again: Marks) -> None:
    same = marks.texts == again.texts
    for name in ("onset_s", "duration_s"):
        one, other = getattr(marks, name), getattr(again, name)
        same &= np.array_equal(one, other, equal_nan=True)
    assert same, f"a second reading gives other marks of {origin}"


def _check_refusals(
    reader: Reader, folder: Path, files: Sequence[str], origins: Collection[Origin]
) -> None:
    """Move the main file away, put an empty one in its place, and put it back."""
    main = folder / files[0]
    kept = main.with_name(f"{main.name}.kept")
    main.rename(kept)
    try:
        _refuses("a file that is not there", reader, folder, files, origins)
        main.touch()
        _refuses("an empty file", reader, folder, files, origins)
    finally:
        kept.replace(main)


def _refuses(
    what: str,
    reader: Reader,
    folder: Path,
    files: Sequence[str],
    origins: Collection[Origin],
) -> None:
    message = ""
    try:
        reader.read(folder, files, origins)
    except DataError as error:
        message = str(error)
    assert message, f"reads {what}"
    assert files[0] in message, f"the refusal of {what} does not name it: {message}"
