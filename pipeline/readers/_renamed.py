"""Settings that have another name or place since readers share their settings."""

from collections.abc import Mapping


def refuse_old(settings: object, renamed: Mapping[str, str]) -> object:
    """Refuse settings of an earlier version; the message names the new ones.

    It is for a `model_validator(mode="before")`.

    Parameters
    ----------
    settings : object
        A component's settings as they were written.
    renamed : mapping of str to str
        What took the place of each old key.

    Raises
    ------
    ValueError
        An old key is among them.
    """
    old = [key for key in renamed if isinstance(settings, Mapping) and key in settings]
    if old:
        raise ValueError("; ".join(f"instead of {key}: {renamed[key]}" for key in old))
    return settings
