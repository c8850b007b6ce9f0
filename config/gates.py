"""What a model must meet to be champion (`gates.toml`), each threshold with its reason."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.documents import ROOT, Frozen, document, validated

Comparison = Literal[">", ">=", "<", "<="]

# How each gate holds its figure against its threshold, as in "value > threshold". A truth is a
# figure of 1 (yes) or 0 (no).
COMPARISONS: Mapping[str, Comparison] = {
    "walk_forward_sharpe": ">",
    "deflated_sharpe": ">=",
    "overfitting_probability": "<=",
    "combinatorial_sharpe": ">",
    "track_record": ">=",
    "scaled_drawdown": "<=",
    "trades": ">",
    "hit_rate": ">",
    "leakage_probes": ">=",
    "regime_stability": ">=",
    "universe_point_in_time": ">=",
    "real_data": ">=",
}


class Gate(Frozen):
    """One threshold; `comparison` is for the reader of the file, and must be the gate's own."""

    threshold: bool | Decimal
    reason: Annotated[str, Field(min_length=20)]
    comparison: Comparison | None = None


class Deflation(Frozen):
    """By how much the deflated ratio allows for the trials; see docs/adr/0008."""

    least_variance: Annotated[Decimal, Field(ge=0)] = Decimal(1)
    reason: Annotated[str, Field(min_length=20)] = "Trials alike must not lower the hurdle."


class Gates(Frozen):
    """The gates by name, and what the deflated ratio is deflated by."""

    gates: dict[str, Gate]
    deflation: Deflation = Deflation()

    @model_validator(mode="after")
    def _compared_as_judged(self) -> Self:
        for name, gate in self.gates.items():
            own = COMPARISONS.get(name)
            if gate.comparison and own and gate.comparison != own:
                raise ValueError(
                    f"`gates.{name}.comparison` to be {own!r}, as the gate is judged, or no such "
                    f"line; it was {gate.comparison!r}"
                )
        return self

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
