"""Rules over corporate actions, seen against the prices they should have moved."""

import math
from typing import Final

import polars as pl

from quality.rules import jumps
from quality.rules.model import Rule, Severity
from quality.rules.words import Row, arrival, price, ratio

_HAS_PAST: Final = pl.col("reference").is_not_null()
_ON_FILE: Final = _HAS_PAST & (pl.col("split").abs() > 1e-9)
_FIGURES: Final = ("close", "reference", "split", "move", "adjusted_move", "sigma", "volume_ratio")


def _file(row: Row) -> str:
    return f"A split of {ratio(round(math.exp(row['split']), 6))} is on file"


def _should(row: Row) -> str:
    return price(row["reference"] * math.exp(-row["split"]))


ACTION_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="split_shows_in_price",
        severity=Severity.ERROR,
        meaning="A split on file moves the price by its ratio.",
        reason="The quoted price moved by less than half of the split and within four robust "
        "deviations: the split is phantom or counted twice, and adjusting by it would invent a "
        "return.",
        applies=_ON_FILE,
        fails=pl.col("code") == float(jumps.PHANTOM),
        sentence=lambda row: (
            f"{arrival(row)} {_file(row)}, which should have brought the price to about "
            f"{_should(row)}. The price did not follow; the split looks phantom."
        ),
        figures=_FIGURES,
    ),
    Rule(
        name="split_ratio_is_not_inverted",
        severity=Severity.ERROR,
        meaning="A split on file moves the price down, a reverse split up.",
        reason="The quoted price moved by the split's ratio the wrong way round.",
        applies=_ON_FILE,
        fails=pl.col("code") == float(jumps.INVERTED),
        sentence=lambda row: (
            f"{arrival(row)} {_file(row)}, which should have brought the price to about "
            f"{_should(row)}. The price moved the other way; the ratio looks inverted."
        ),
        figures=_FIGURES,
    ),
    Rule(
        name="dividend_shows_in_price",
        severity=Severity.ERROR,
        meaning="A dividend on file of 6 % and more takes the price down, and is less than it.",
        reason="The price fell by less than a third of the dividend, or the dividend is nine "
        "tenths of the price: it is phantom, doubled or in cents, and would invent a return.",
        applies=_HAS_PAST & (pl.col("paid") > 0),
        fails=pl.col("code") == float(jumps.UNPAID),
        sentence=lambda row: (
            f"{arrival(row)} A dividend of {price(row['paid'])} is on file, "
            f"{row['paid'] / row['reference']:.1%} of the price, which did not follow."
        ),
        figures=(*_FIGURES, "paid"),
    ),
)
