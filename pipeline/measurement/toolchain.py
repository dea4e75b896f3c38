"""The programs that build for a device and emulate it, and how to install them."""

import re
import shutil
import subprocess
from collections.abc import Iterable

PACKAGES = {
    "make": "make",
    "gcc": "gcc",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "arm-none-eabi-size": "binutils-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
    "riscv64-unknown-elf-size": "binutils-riscv64-unknown-elf",
    "qemu-system-riscv32": "qemu-system-misc",
}
"""Debian's package of each program."""

PATIENCE_S = 10.0
"""How long a program may take to print its version, seconds."""


def is_here(program: str) -> bool:
    """Whether a program is on the path."""
    return shutil.which(program) is not None


def absent(programs: Iterable[str]) -> str | None:
    """Name the missing programs in one sentence, and how to install them."""
    missing = [program for program in programs if not is_here(program)]
    if not missing:
        return None
    packages = " ".join(sorted({PACKAGES[program] for program in missing}))
    names = ", ".join(missing)
    return f"no {names} here: on Debian, `apt-get install {packages}`"


def version(program: str) -> str:
    """Give the first line that a program prints for `--version`."""
    shown = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=PATIENCE_S
    )
    first = next(iter(shown.stdout.splitlines()), "unknown")
    return re.sub(r"\s+", " ", first).strip()
