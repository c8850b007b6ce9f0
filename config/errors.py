"""The error of everything in `config`."""

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


def missing_file(path: Path) -> SettingsError:
    """Return the error for a configuration file that is not there or cannot be read."""
    return SettingsError(
        f"The file {path} cannot be read. It belongs to the checkout: restore it with git.",
        source=str(path),
    )
