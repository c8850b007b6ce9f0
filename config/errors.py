"""The errors of everything in `config`."""

from pathlib import Path


class SettingsError(Exception):
    """A setting is missing, unknown or outside what is allowed.

    The message names where it was read, the key, the value and what is allowed; a secret's
    value is never repeated.
    """

    def __init__(self, message: str, *, source: str = "", key: str = "") -> None:
        super().__init__(message)
        self.source = source
        self.key = key


class DisagreementError(ValueError):
    """Values that are right one by one and wrong together.

    The message is whole sentences; `keys` are the dotted keys whose source is told after it.
    """

    def __init__(self, message: str, *keys: str) -> None:
        super().__init__(message)
        self.keys = keys


def missing_file(path: Path) -> SettingsError:
    """Return the error for a committed configuration file that is not there."""
    return SettingsError(
        f"The file {path} is missing. It belongs to the checkout: restore it with git.",
        source=str(path),
    )


def unreadable(path: Path, error: OSError) -> SettingsError:
    """Return the error for a file of the desk that this user cannot read."""
    return SettingsError(
        f"The file {path} cannot be read ({error.strerror}). Run as the user it belongs to, or "
        "set DESK_HOME to a folder of your own.",
        source=str(path),
    )
