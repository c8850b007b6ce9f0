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


class Deflation(Frozen):
    """By how much the deflated ratio allows for the trials; see docs/adr/0008."""

    least_variance: Annotated[Decimal, Field(ge=0)] = Decimal(1)
    reason: Annotated[str, Field(min_length=20)] = "Trials alike must not lower the hurdle."


class Gates(Frozen):
    """The gates by name, and what the deflated ratio is deflated by."""

    gates: dict[str, Gate]
    deflation: Deflation = Deflation()

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
