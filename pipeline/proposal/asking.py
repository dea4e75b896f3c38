"""What the files do not state: taken from flags, or asked where a terminal is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import ConfigError
from pipeline.proposal.facts import Chosen

Ask = Callable[[str], str]


@dataclass(frozen=True)
class Question:
    """A question to the user.

    Parameters
    ----------
    flag : str
        That answers it, without dashes.
    text : str
        What is asked, and why the files do not show it.
    choices : tuple of str
        Possible answers; empty: any text that `convert` takes.
    default : str
        The answer of who presses Enter; "": there is none.
    convert : callable
        Makes the setting of the answer; a ValueError refuses it.
    """

    flag: str
    text: str
    choices: tuple[str, ...] = ()
    default: str = ""
    convert: Callable[[str], Any] = str


@dataclass
class Asking:
    """Answers, and the questions that nobody answered.

    Parameters
    ----------
    flags : mapping of str to str
        Those that were given.
    ask : callable or None
        Prints a prompt and gives a line; None where there is no terminal.
    command : str
        Who asks, for messages.
    """

    flags: Mapping[str, str]
    ask: Ask | None
    command: str = "biospike new-dataset"
    missing: list[Question] = field(default_factory=list)

    def answer(self, question: Question) -> Chosen | None:
        """Answer a question; None where nobody can, which `refuse_missing` reports.

        Raises
        ------
        ConfigError
            A flag's value is none of the choices.
        """
        if given := self.flags.get(question.flag):
            return self._checked(question, given)
        if self.ask is None:
            if question.default:
                why = f"{question.text}; --{question.flag} changes it"
                return Chosen(question.convert(question.default), "default", why)
            self.missing.append(question)
            return None
        while True:
            given = self.ask(_prompt(question)).strip() or question.default
            try:
                return Chosen(_converted(question, given), "asked", question.text)
            except ValueError:
                continue

    def _checked(self, question: Question, given: str) -> Chosen:
        try:
            value = _converted(question, given)
        except ValueError:
            raise ConfigError(
                f"--{question.flag}",
                f"'{given}' is no answer to: {question.text}",
                expected=_listed(question.choices) or question.text,
                remedy="correct the flag",
            ) from None
        return Chosen(value, "asked", f"--{question.flag}")

    def refuse_missing(self) -> None:
        """Refuse to go on without answers, and list the flags that give them.

        Raises
        ------
        ConfigError
            A question has no answer.
        """
        if not self.missing:
            return
        lines = [
            f"  --{q.flag} {'|'.join(q.choices) or q.flag.upper()}: {q.text}"
            for q in self.missing
        ]
        raise ConfigError(
            self.command,
            "the files do not state, and there is no terminal to ask:\n"
            + "\n".join(lines),
            expected="these flags",
            remedy="add them to the command, or start it in a terminal",
        )


def _converted(question: Question, given: str) -> Any:
    if not given or (question.choices and given not in question.choices):
        raise ValueError(given)
    return question.convert(given)


def _prompt(question: Question) -> str:
    choices = f" ({_listed(question.choices)})" if question.choices else ""
    default = f" [{question.default}]" if question.default else ""
    return f"{question.text}{choices}{default}: "


def _listed(choices: Sequence[str]) -> str:
    return ", ".join(choices)


def positive(text: str) -> float | int:
    """Read a number above 0, an integer where it is one.

    Raises
    ------
    ValueError
        It is none.
    """
    number = float(text)
    if not 0 < number < float("inf") or "_" in text:
        raise ValueError(text)
    return int(number) if number.is_integer() else number
