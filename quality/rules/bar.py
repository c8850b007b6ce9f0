"""The rules that a bar of any length must meet in itself."""

from collections.abc import Callable
from typing import Final

import polars as pl

from quality.rules import words
from quality.rules.model import Rule, Severity
from quality.rules.words import Row, price

PRICES: Final = ("open", "high", "low", "close")
FIGURES: Final = (*PRICES, "volume")
# A hundredth of a cent: vendors round the four prices apart.
ROUNDING: Final = 1e-4

Sentence = Callable[[Row], str]


def soundness() -> list[pl.Expr]:
    """Return what a row says about itself: complete, positive, counted, consistent."""
    figures = [pl.col(column) for column in FIGURES]
    complete = pl.all_horizontal(c.is_not_null() & c.is_finite() for c in figures)
    positive = pl.all_horizontal(pl.col(column) > 0 for column in PRICES)
    body_top = pl.max_horizontal("open", "close", "low")
    body_bottom = pl.min_horizontal("open", "close", "high")
    high = pl.col("high") >= body_top - ROUNDING
    low = pl.col("low") <= body_bottom + ROUNDING
    return [
        complete.fill_null(value=False).alias("complete"),
        positive.fill_null(value=False).alias("positive"),
        (pl.col("volume") >= 0).fill_null(value=False).alias("counted"),
        (high & low).fill_null(value=False).alias("consistent"),
    ]


def rules(*, says: Sentence, when: Sentence, one: str) -> tuple[Rule, ...]:
    """Return the rules about a bar in itself.

    `says` states the bar as it arrived, `when` its session or minute, `one` what is unique.
    """
    return (
        Rule(
            name="values_are_present",
            severity=Severity.ERROR,
            meaning="Open, high, low, close and volume are there and are finite numbers.",
            reason="A bar with a hole cannot be priced or ranked; guessing the hole is worse.",
            fails=~pl.col("complete"),
            sentence=lambda row: (
                f"{says(row)} A price or the volume is missing or is not a number."
            ),
            figures=FIGURES,
        ),
        Rule(
            name="keys_are_unique",
            severity=Severity.ERROR,
            meaning=f"One bar per symbol and {one}.",
            reason=f"Two different bars for one {one}: nobody can say which is true.",
            fails=pl.col("versions") > 1,
            sentence=lambda row: (
                f"{row['versions']} different bars arrived for {when(row)}; this one closes at "
                f"{price(row['close'])}. None is used until a person chooses."
            ),
            figures=(*FIGURES, "versions"),
        ),
        Rule(
            name="repeats_are_merged",
            severity=Severity.NOTE,
            meaning="A bar arrives once.",
            reason="An identical repeat says nothing new: it is merged and told.",
            fails=pl.col("copies") > 1,
            sentence=lambda row: (
                f"The bar of {when(row)} arrived {row['copies']} times, identical each time. "
                "The copies were merged."
            ),
            figures=("copies",),
        ),
        Rule(
            name="prices_are_positive",
            severity=Severity.ERROR,
            meaning="All four prices are above zero.",
            reason="A share never trades at zero or less; vendors write zero for 'unknown'.",
            applies=pl.col("complete"),
            fails=~pl.col("positive"),
            sentence=lambda row: f"{says(row)} A price at or below zero cannot have traded.",
            figures=FIGURES,
        ),
        Rule(
            name="volume_is_not_negative",
            severity=Severity.ERROR,
            meaning="Volume is zero or more.",
            reason="Shares traded are counted.",
            applies=pl.col("complete"),
            fails=~pl.col("counted"),
            sentence=lambda row: (
                f"The volume of {when(row)} arrived as {row['volume']:,.0f}. "
                "A count of shares cannot be negative."
            ),
            figures=("volume",),
        ),
        Rule(
            name="prices_are_consistent",
            severity=Severity.ERROR,
            meaning="High is the highest and low the lowest of the four prices.",
            reason="Holds by definition; a hundredth of a cent is allowed for rounding.",
            applies=pl.col("complete"),
            fails=~pl.col("consistent"),
            sentence=lambda row: (
                f"{says(row)} Open and close must lie between low and high; they do not."
            ),
            figures=FIGURES,
        ),
        Rule(
            name="prices_moved_with_trades",
            severity=Severity.ERROR,
            meaning="A bar without volume has one price only.",
            reason="A range needs at least two trades.",
            applies=pl.col("complete"),
            fails=(pl.col("volume") == 0) & (pl.col("high") > pl.col("low")),
            sentence=lambda row: f"{says(row)} No share traded, yet the price moved.",
            figures=FIGURES,
        ),
        Rule(
            name="bar_is_not_stale",
            severity=Severity.ERROR,
            meaning="A bar does not repeat the bar before it.",
            reason="Four prices and the volume never fall alike twice by chance, nor four prices "
            "three times; a share that moves every time does not stand still at its usual volume.",
            applies=pl.col("reference").is_not_null() & (pl.col("volume") > 0),
            fails=pl.col("repeat") == 2,
            sentence=lambda row: (
                f"The bar of {when(row)} repeats the bar before it: close "
                f"{price(row['close'])}, {words.shares(row['volume'])}. It looks like an old bar "
                "sent again."
            ),
            figures=FIGURES,
        ),
        Rule(
            name="prices_are_new",
            severity=Severity.WARNING,
            meaning="A bar does not repeat all four prices of the bar before it.",
            reason="By chance it happens once in thousands of bars; a second in a row does not.",
            applies=pl.col("reference").is_not_null() & (pl.col("volume") > 0),
            fails=pl.col("repeat") == 1,
            sentence=lambda row: (
                f"The bar of {when(row)} has the four prices of the bar before it, close "
                f"{price(row['close'])}, at {words.shares(row['volume'])}. Unusual, and not "
                "refused."
            ),
            figures=FIGURES,
        ),
    )


QUOTES_ARE_NOT_CROSSED: Final = Rule(
    name="quotes_are_not_crossed",
    severity=Severity.ERROR,
    meaning="The bid is not negative and does not lie above the ask.",
    reason="Two people who would trade have traded: a crossed quote is stale or swapped.",
    applies=pl.col("bid").is_not_null() & pl.col("ask").is_not_null(),
    fails=(pl.col("bid") > pl.col("ask")) | (pl.col("bid") < 0) | (pl.col("ask") <= 0),
    sentence=lambda row: (
        f"The quote of {words.day(row['session'])} is {price(row['bid'])} bid, "
        f"{price(row['ask'])} asked. A bid above the ask would have traded."
    ),
    figures=("bid", "ask"),
)
