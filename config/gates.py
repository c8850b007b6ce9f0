"""What a model must meet to be champion (`gates.toml`), each threshold with its reason."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from config.documents import ROOT, Frozen, document, validated


class Gate(Frozen):
    """One threshold; `comparison` reads "value comparison threshold"."""

    threshold: bool | Decimal
    reason: Annotated[str, Field(min_length=20)]
    comparison: Literal[">", ">=", "<", "<=", "=="] = ">="


class Gates(Frozen):
    """The gates by name."""

    gates: dict[str, Gate]

    def __getitem__(self, name: str) -> Gate:
        return self.gates[name]


def load(path: Path = ROOT / "gates.toml") -> Gates:
    """Return the gates of the file.

    Raises
    ------
    SettingsError
        Naming the file, the key, its value and what is allowed.
    """
    return validated(Gates, document(path), {}, str(path))
