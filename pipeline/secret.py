"""The secret of this machine, and the pseudonyms that it makes of names.

    pseudonym = kind + "-" + first 10 letters of base32(HMAC-SHA256(secret, kind, name))

Who has the secret can tell which pseudonym a name has; nobody else can, not even by
trying all names. It is no part of a checkout, and neither git nor DVC ever has it.
Without it the same names get other pseudonyms, and nothing else is lost: networks,
metrics and folds do not depend on it, but for networks with certified protection,
whose noise it draws.

Standard library only: the stage `inventory` starts at every run.
"""

import hmac
import os
import re
import unicodedata
from base64 import b32encode
from pathlib import Path
from typing import Literal

from pipeline.errors import ConfigError, MachineError

VARIABLE = "BIOSPIKE_KEY"
"""The environment variable that names another file of the secret."""
N_BYTES, N_LETTERS = 32, 10
PSEUDONYM = re.compile(r"\b[PR]-[A-Z2-7]{10}\b")
OTHERS = 0o077
"""Permissions of group and others, of which the file has none."""
KEPT = "what was made before is kept"

Kind = Literal["P", "R"]
"""P: a person; R: a recording."""


class Secret:
    """A key, which no message and no file but its own shows.

    No dataclass: importing these takes longer than the inventory of a small folder.

    Parameters
    ----------
    key : bytes
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        """Show the fingerprint alone."""
        return f"Secret({self.fingerprint()})"

    def __reduce__(self) -> str:
        """Refuse to go into another process, which may be on another machine."""
        raise TypeError("a secret stays in its process")

    def pseudonym(self, kind: Kind, name: str) -> str:
        """Give the pseudonym of a name, whatever the form of its Unicode."""
        composed = unicodedata.normalize("NFC", name)
        letters = b32encode(self._digest(kind, composed)).decode()
        return f"{kind}-{letters[:N_LETTERS]}"

    def fingerprint(self, text: str = "") -> str:
        """Give what shows that a text, or the secret itself, is another, and no more.

        Returns
        -------
        fingerprint : str
            16 hexadecimal digits.
        """
        return self._digest("fingerprint", text)[:8].hex()

    def seed(self, text: str) -> int:
        """Give the seed of noise that nobody else can draw; another text, another."""
        return int.from_bytes(self._digest("noise", text), "big")

    def _digest(self, *parts: str) -> bytes:
        message = "\x1f".join(parts).encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, message, "sha256")


def place() -> Path:
    """Give the path of the file: `BIOSPIKE_KEY`, else one in the user's settings.

    Raises
    ------
    ConfigError
        It lies in the checkout, where git or DVC could take it.
    """
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    path = Path(os.environ.get(VARIABLE) or f"{home}/biospike/key").expanduser()
    if path.resolve().is_relative_to(Path.cwd().resolve()):
        raise ConfigError(
            f"{VARIABLE} {path}",
            "it lies in the checkout, where git or DVC could take it",
            expected="a file elsewhere that only you can read",
            remedy=f"move it, and set {VARIABLE} to its new path",
        )
    return path


def load() -> Secret:
    """Read the secret of this machine.

    Raises
    ------
    MachineError
        It is not there, cannot be read, is damaged, or others can read it.
    """
    path = place()
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise _refused(
            "the secret of the pseudonyms is not there",
            "bring it back from a copy. If there is none, remove data/inventory: a new "
            "one is made, and everybody gets another pseudonym",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise _refused(f"cannot be read ({reason})", _RESTORE) from error
    if mode & OTHERS:
        raise _refused("other users of this machine may read it", f"chmod 600 {path}")
    if not re.fullmatch(rf"[0-9a-f]{{{2 * N_BYTES}}}\n", text):
        raise _refused("is damaged", _RESTORE)
    return Secret(bytes.fromhex(text))


_RESTORE = "correct its permissions, or bring it back from a copy"


def _refused(found: str, remedy: str) -> MachineError:
    return MachineError(
        str(place()),
        f"{found}; {KEPT}",
        expected=f"{2 * N_BYTES} hexadecimal digits that only you can read",
        remedy=remedy,
    )


def load_or_make() -> Secret:
    """Read the secret of this machine, or make it at its first use.

    Raises
    ------
    MachineError
        It cannot be read, or there is no place for it.
    """
    path = place()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
    except OSError as error:
        found = f"there is no place for the secret of the pseudonyms ({error.strerror})"
        remedy = f"set {VARIABLE} to a file that you may write"
        raise _refused(found, remedy) from error
    return load()


def _make(path: Path) -> None:
    """Write a secret, complete before it gets its name; one made meanwhile stays."""
    drawn = int.from_bytes(os.urandom(6))  # machines may share this folder
    partial = path.with_name(f".partial-{drawn}-{path.name}")
    number = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(number, "w") as file:
            file.write(os.urandom(N_BYTES).hex() + "\n")
        path.hardlink_to(partial)
    except FileExistsError:
        pass
    finally:
        partial.unlink()
