"""Files of a public data set, from its home or from a mirror of it."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.components import Settings
from pipeline.errors import DataError
from pipeline.files import file_digest
from pipeline.parallel import console, progress_bar
from pipeline.sources._delivery import (
    CUT_DOWN,
    Delivery,
    check_zip,
    read_checksums,
    remove_others,
    zip_members,
)
from pipeline.sources._origins import Web, archives_may_be_cut_down, mirror_of
from pipeline.sources.base import Fetched, Source

# The stage writes it beside the raw files.
MANIFEST = "manifest.json"

Template = Annotated[str, Field(pattern=r"^[^{}]*\{subject\}[^{}]*$")]
Absent = dict[str, str]


class Archive(Settings):
    """One zip that holds all subjects; it is kept as it is."""

    file: str = Field(description="Its name in the raw folder and in mirrors.")
    home_file: str = Field(description="Its name at the home.")
    members: Template = Field(description="How the names of a subject's members begin.")


class Download(Source):
    """Take a data set's files from its home on the web, or from `BIOSPIKE_MIRROR`.

    Finished files whose SHA-256 is right are kept; a cut file starts again; no file
    stands under its name before it is whole and verified. A mirror may lack whole
    subjects, the home may not.
    """

    home: str = Field(pattern="^https?://", description="URL of the home's folder.")
    mirror: str = Field(min_length=1, description="Name of the folder in a mirror.")
    subjects: tuple[str, ...] = Field(
        min_length=1, description="All subjects, by the names their files have."
    )
    files: tuple[Template, ...] = Field((), description="The files of each subject.")
    archive: Archive | None = Field(None, description="One zip instead of files.")
    shared: tuple[str, ...] = Field(
        (), description="Files of no subject; a mirror may lack them."
    )
    checksums: Path | None = Field(
        None, description="Pinned list in this project, in sha256sum's format."
    )
    published: str | None = Field(
        None, description="Name of the home's own list, for files not pinned."
    )

    @model_validator(mode="after")
    def _has_one_layout(self) -> Self:
        if bool(self.files) == bool(self.archive):
            raise ValueError("give either files or archive")
        return self

    def fetch(self, target: Path, *, seed: int) -> Fetched:
        """Put the files below `target`; see `Source.fetch`."""
        with progress_bar() as bar:
            mirror = mirror_of(self.mirror)
            origin = mirror or self._home()
            lists, delivery = self._with_checksums(
                Delivery(origin, mirror is not None, target, bar)
            )
            if self.archive:
                files, absent = self._take_archive(self.archive, delivery)
            else:
                files, absent = self._take_subjects(delivery)
            files |= lists | self._take_shared(delivery)
        remove_others(target, files | {MANIFEST})
        digests = {name: file_digest(target / name) for name in sorted(files)}
        return Fetched(digests, absent)

    def _home(self) -> Web:
        renamed = {self.archive.file: self.archive.home_file} if self.archive else {}
        return Web(self.home, renamed)

    def _with_checksums(self, delivery: Delivery) -> tuple[set[str], Delivery]:
        """Read the pinned checksums and, if that is not enough, the home's own."""
        known = _read_pinned(self.checksums) if self.checksums else {}
        if self.published is None or known.keys() >= self._names():
            return set(), replace(delivery, known=known)
        where = delivery.origin.where(self.published)
        if not delivery.take(self.published, lambda path: read_checksums(path, where)):
            return set(), replace(delivery, known=known)
        listed = read_checksums(delivery.target / self.published, where)
        return {self.published}, replace(delivery, known=listed | known)

    def _names(self) -> set[str]:
        """Name all files, but for the list of checksums."""
        own = {name for subject in self.subjects for name in self._files_of(subject)}
        return own | set(self.shared) | ({self.archive.file} if self.archive else set())

    def _files_of(self, subject: str) -> list[str]:
        return [template.format(subject=subject) for template in self.files]

    def _take_subjects(self, delivery: Delivery) -> tuple[set[str], Absent]:
        """Take each subject's files; tell the subjects of which there is none."""
        task = delivery.bar.add_task("subjects", total=len(self.subjects))
        missing: dict[str, list[str]] = {}
        for subject in self.subjects:
            names = self._files_of(subject)
            missing[subject] = [name for name in names if not delivery.take(name)]
            delivery.bar.advance(task)
        absent = [s for s, names in missing.items() if len(names) == len(self.files)]
        lacked = [name for s in missing if s not in absent for name in missing[s]]
        if lacked:
            raise DataError(
                delivery.origin.where(""),
                f"subjects lack part of their files: {', '.join(lacked)}",
                expected="all of a subject's files, or none of them",
                remedy="add these files to the mirror, or take those subjects out",
            )
        self._check_any(absent, delivery)
        files = {n for s in self.subjects if s not in absent for n in self._files_of(s)}
        return files, dict.fromkeys(absent, "the mirror has none of its files")

    def _take_archive(
        self, archive: Archive, delivery: Delivery
    ) -> tuple[set[str], Absent]:
        """Take the archive; tell the subjects that a cut down one lacks."""
        where = delivery.origin.where(archive.file)
        may_lack = delivery.from_mirror and archives_may_be_cut_down()
        if may_lack:
            known = {k: v for k, v in delivery.known.items() if k != archive.file}
            delivery = replace(delivery, known=known)

        def check(path: Path) -> None:
            check_zip(path, where)
            if not may_lack and (absent := self._not_in(archive, path)):
                raise _cut_down(where, absent)

        if not delivery.take(archive.file, check):
            self._check_any(list(self.subjects), delivery)
        absent = self._not_in(archive, delivery.target / archive.file)
        self._check_any(absent, delivery)
        return {archive.file}, dict.fromkeys(absent, "the mirror's archive lacks it")

    def _not_in(self, archive: Archive, path: Path) -> list[str]:
        """List the subjects that an archive lacks."""
        names = zip_members(path)
        begins = {s: archive.members.format(subject=s) for s in self.subjects}
        return [s for s in begins if not any(n.startswith(begins[s]) for n in names)]

    def _take_shared(self, delivery: Delivery) -> set[str]:
        """Take the files of no subject; say which the mirror lacks."""
        taken = {name for name in self.shared if delivery.take(name)}
        for name in self.shared:
            if name not in taken:
                console.print(f"{delivery.origin.where(name)}: not there, left out")
        return taken

    def _check_any(self, absent: list[str], delivery: Delivery) -> None:
        """Refuse a mirror without any subject."""
        if len(absent) == len(self.subjects):
            raise DataError(
                delivery.origin.where(""),
                f"none of the {len(self.subjects)} subjects is there",
                expected="such files as " + min(self._names()),
                remedy="correct BIOSPIKE_MIRROR, or unset it to download",
            )


def _read_pinned(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise DataError(
            str(path), "there is no such file", remedy="correct source.checksums"
        )
    return read_checksums(path, str(path))


def _cut_down(where: str, absent: list[str]) -> DataError:
    return DataError(
        where,
        f"the archive lacks {len(absent)} subjects: {', '.join(absent)}",
        expected="the whole archive",
        remedy="replace this file" + CUT_DOWN,
    )
