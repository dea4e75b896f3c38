"""The choice among the places where labels can stand."""

from dataclasses import replace

from pipeline.errors import ConfigError, DataError
from pipeline.proposal.asking import Asking, Question
from pipeline.proposal.facts import Labels, Looked
from pipeline.proposal.files import Recordings
from pipeline.proposal.naming import Naming
from pipeline.proposal.outside import outside


def choose(
    recordings: Recordings, naming: Naming, looked: Looked, asking: Asking
) -> Labels | None:
    """Choose the labels: by flag, the first place that holds nothing else, or asked.

    Parameters
    ----------
    recordings : Recordings
    naming : Naming
    looked : Looked
    asking : Asking

    Returns
    -------
    labels : Labels or None
        None where a question has no answer.

    Raises
    ------
    DataError
        There are no labels anywhere.
    ConfigError
        A flag names another place, or codes that cannot be read.
    """
    beside = outside(
        recordings.folder, recordings.names, naming, asking.flags.get("label")
    )
    found: dict[str, Labels] = {}
    for each in (*looked.labels, *beside):
        found.setdefault(each.where, each)
    candidates = list(found.values())
    if not candidates:
        raise _none(recordings)
    first = candidates[0]
    if first.certain and not asking.flags.get("label"):
        others = ", ".join(each.where for each in candidates[1:])
        why = f"{first.why}; also possible: {others}" if others else first.why
        return _named(replace(first, why=why), asking)
    described = "; ".join(f"{each.where}: {each.why}" for each in candidates)
    question = Question("label", f"where the labels stand ({described})", tuple(found))
    answer = asking.answer(question)
    if answer is None:
        return None
    chosen = found[str(answer.value)]
    why = f"{answer.why}; {chosen.why}" if asking.flags.get("label") else chosen.why
    return _named(replace(chosen, why=why, certain=False), asking)


def _named(labels: Labels, asking: Asking) -> Labels:
    """Name the classes as `--classes 1=rest,2=fist` does."""
    given = asking.flags.get("classes")
    if not given and all(code.isdecimal() for code in labels.classes):
        hint = "--classes 1=rest names codes, and leaves out those that it lacks"
        return replace(labels, why=f"{labels.why}; {hint}")
    if not given:
        return labels
    pairs = [part.partition("=") for part in given.split(",")]
    codes = {code.strip(): name.strip() for code, _, name in pairs}
    if not all(codes) or not all(codes.values()):
        raise ConfigError(
            "--classes",
            f"'{given}' names no classes",
            expected=f"code=class, of the codes {', '.join(labels.classes)}",
            remedy="write it as 1=rest,2=fist",
        )
    value = {**labels.value, "map": _as_keys(codes)}
    classes = tuple(dict.fromkeys(codes.values()))
    return replace(labels, value=value, classes=classes, why=f"{labels.why}; --classes")


def _as_keys(codes: dict[str, str]) -> dict[int | str, str]:
    """Write codes as numbers where all of them are."""
    numbers = all(code.isdecimal() for code in codes)
    return {int(code) if numbers else code: name for code, name in codes.items()}


def _none(recordings: Recordings) -> DataError:
    return DataError(
        str(recordings.folder),
        f"no labels anywhere: not in the recordings ({len(recordings.mains)}), their "
        "names, or a table beside them",
        expected="annotations, a column or variable of labels, a word in the file "
        "names, or a column `group` in participants.tsv",
        remedy="add such a table (its first column names the person), or name the part "
        "of the file names: --pattern '{subject}_{condition}.edf'",
    )
