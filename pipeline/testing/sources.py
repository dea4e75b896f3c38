"""What every source of raw files must do."""

from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.files import file_digest
from pipeline.sources.base import Fetched, Source


def check_source(source: Source, *, seed: int = 1) -> None:
    """Check that a source keeps the contract of `pipeline.sources.base`.

    It reports the files that it put below the folder, by paths in it, with their
    digests; a second time, there and elsewhere, it delivers the same bytes; a file that
    was damaged is mended, and one that does not belong there is removed. What it leaves
    out or lacks has a reason.
    """
    with TemporaryDirectory() as folder:
        target, other = Path(folder, "one", "set"), Path(folder, "two", "set")
        fetched = _fetched(source, target, seed)
        _check_files(fetched, target)
        _check_reasons(fetched)
        assert _fetched(source, target, seed) == fetched, "a second run reports others"
        _check_files(fetched, target)
        assert _fetched(source, other, seed) == fetched, "another folder gets others"
        _check_mended(source, target, fetched, seed)


def _fetched(source: Source, target: Path, seed: int) -> Fetched:
    target.mkdir(parents=True, exist_ok=True)
    return source.fetch(target, seed=seed)


def _check_files(fetched: Fetched, target: Path) -> None:
    assert fetched.files, "it delivers no file"
    root = target / fetched.root
    for name, digest in fetched.files.items():
        path = root / name
        assert not Path(name).is_absolute(), f"{name} is no path in the raw folder"
        assert ".." not in Path(name).parts, f"{name} leaves the raw folder"
        assert path.is_file(), f"{name} is reported and not there"
        assert file_digest(path) == digest, f"{name} has another digest than reported"


def _check_reasons(fetched: Fetched) -> None:
    reasons = fetched.absent | fetched.left_out
    silent = [name for name, reason in reasons.items() if not reason.strip()]
    assert not silent, f"no reason is given for {', '.join(silent)}"
    both = fetched.files.keys() & reasons.keys()
    assert not both, f"delivered, and absent or left out: {', '.join(sorted(both))}"


def _check_mended(source: Source, target: Path, fetched: Fetched, seed: int) -> None:
    """Damage a file that was made, if one was, and add one that is not wanted."""
    root = target / fetched.root
    made = [name for name in fetched.files if not (root / name).is_symlink()]
    for name in made[:1]:
        (root / name).write_bytes(b"damaged")
    stray = target / "left-over.txt"
    stray.write_text("of an earlier run")
    assert _fetched(source, target, seed) == fetched, "a damaged file changes reports"
    _check_files(fetched, target)
    assert not stray.exists(), "a file that does not belong there stays"
