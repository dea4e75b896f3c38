"""Files of a public data set, from its home or from a mirror of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
)

from pipeline.components import Address
from pipeline.errors import DataError
from pipeline.files import file_digest
from pipeline.members import is_archive
from pipeline.names import path_fault
from pipeline.parallel import progress_bar
from pipeline.sources.base import MANIFEST, Fetched, Source
from pipeline.sources.parts.choose import Choice, choose
from pipeline.sources.parts.delivery import (
    Delivery,
    accept,
    check_zip,
    read_checksums,
)
from pipeline.sources.parts.listing import Lists, listing
from pipeline.sources.parts.origins import archives_may_be_cut_down, mirror_of
from pipeline.sources.parts.tidy import remove_others
from pipeline.sources.parts.web import Web


def _by_name(value: object) -> object:
    """Let a list of names stand for names that are the same at the home."""
    if isinstance(value, list | tuple):
        return {str(name): "" for name in value}
    return value


def _check_names(names: dict[str, str]) -> dict[str, str]:
    for name in names:
        if "{" in name:
            raise ValueError("the names themselves; `pattern` has fields such as {run}")
        _check_name(name)
    return names


def _check_name(name: str) -> str:
    if fault := path_fault(name):
        raise ValueError(f"a path below the data set's folder; this {fault}")
    return name


Name = Annotated[str, Field(min_length=1), AfterValidator(_check_name)]


class Download(Source):
    """Take a data set's files from its home on the web, or from `BIOSPIKE_MIRROR`.

    Finished files whose SHA-256 is right are kept; a cut file starts again; no file
    stands under its name before it is complete and verified. A mirror may lack files,
    the home may not.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "subjects": "`pattern`, which finds the subjects; `only` takes a part of them",
        "archive": "`files`: {name here: name at the home}; members count as files",
        "shared": "`files`, or the set's own list in `published`",
    }

    home: Address = Field(description="URL of the home's folder.")
    mirror: Name = Field(description="Name of the folder in a mirror.")
    files: Annotated[
        dict[str, str], BeforeValidator(_by_name), AfterValidator(_check_names)
    ] = Field(
        {}, description="Names of all files, or name here: name at the home in a URL."
    )
    records: Name | None = Field(
        None, description="Name of the home's list of records, such as RECORDS."
    )
    suffixes: tuple[str, ...] = Field(
        ("",), min_length=1, description="What the names of a record's files end in."
    )
    checksums: Path | None = Field(
        None, description="Pinned list in this project, in sha256sum's format."
    )
    published: Name | None = Field(
        None, description="Name of the home's own list, for files not pinned."
    )

    redirects: tuple[str, ...] = Field(
        (), description="Hosts, beside that of home, which its files may come from."
    )

    def fetch(self, target: Path, *, seed: int) -> Fetched:
        """Put the files below `target`; see `Source.fetch`."""
        with progress_bar() as bar:
            mirror = mirror_of(self.mirror)
            home = Web(self.home, self.files, self.redirects)
            delivery = Delivery(mirror or home, mirror is not None, target, bar)
            listed = listing(self._lists(), delivery)
            delivery = replace(delivery, known=listed.known)
            choice = choose(listed.names, self, delivery.origin.where(""))
            absent = _take_all(choice, delivery)
        wanted = {*choice.wanted, *listed.taken} - absent.keys()
        remove_others(target, wanted | {MANIFEST})
        digests = {name: file_digest(target / name) for name in sorted(wanted)}
        return Fetched(
            digests,
            absent | choice.absent | _cut_down(digests, listed.known),
            choice.left_out | listed.left_out,
        )

    def _lists(self) -> Lists:
        pinned = _read_pinned(self.checksums) if self.checksums else {}
        return Lists(
            tuple(self.files), self.records, self.suffixes, pinned, self.published
        )


def _take_all(choice: Choice, delivery: Delivery) -> dict[str, str]:
    """Take the wanted files; report which the mirror lacks."""
    task = delivery.bar.add_task("files", total=len(choice.wanted))
    absent = {}
    for name in choice.wanted:
        if not _take(name, delivery):
            absent[name] = "the mirror lacks it"
        delivery.bar.advance(task)
    if len(absent) == len(choice.wanted):
        raise DataError(
            delivery.origin.where(""),
            f"none of the {len(absent)} files is there",
            expected=f"such files as {choice.wanted[0]}",
            remedy="correct BIOSPIKE_MIRROR, or unset it to download",
        )
    return absent


def _take(name: str, delivery: Delivery) -> bool:
    """Take a file; of an archive, the checksum may be that of a complete one."""
    if is_archive(name) and delivery.from_mirror and archives_may_be_cut_down():
        known = {k: v for k, v in delivery.known.items() if k != name}
        delivery = replace(delivery, known=known)
    where = delivery.origin.where(name)
    is_zip = name.lower().endswith(".zip")
    return delivery.take(name, (lambda p: check_zip(p, where)) if is_zip else accept)


def _cut_down(digests: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Report the archives of which only a part is here."""
    return {
        name: "the mirror's archive is cut down"
        for name, digest in digests.items()
        if digest != known.get(name, digest)
    }


def _read_pinned(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise DataError(
            str(path),
            "there is no such file",
            expected="a list of checksums in this project",
            remedy="correct source.checksums",
        )
    return read_checksums(path, str(path))
