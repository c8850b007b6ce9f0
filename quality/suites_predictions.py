"""The suite of predictions: what each must be before anybody trades on it."""

import json
from typing import Final

import polars as pl

from quality.calendar import Calendar
from quality.own_tables import (
    IS_ALONE,
    IS_KNOWN_LATER,
    IS_OF_A_SESSION,
    judged,
    with_closes,
)
from quality.rules.model import Judgement, Rule, Severity
from quality.rules.words import day, percent

DATASET: Final = "predictions"
LARGEST_EXCESS: Final = 1.0
_ROUNDING: Final = 1e-9
_COLUMNS: Final = (
    "model_version", "probability", "expected_return", "low", "high", "horizon", "volatility",
    "contributions", "feature_version", "known_at",
)  # fmt: skip
_FIGURES: Final = ("probability", "expected_return", "low", "high", "volatility")
_RANGE: Final = ("expected_return", "low", "high")

RULES: Final[tuple[Rule, ...]] = (
    IS_ALONE,
    IS_OF_A_SESSION,
    IS_KNOWN_LATER,
    Rule(
        name="probability_is_one",
        severity=Severity.ERROR,
        meaning="A probability lies strictly between 0 and 1.",
        reason="Neither is ever certain, and the size of an order is made of it.",
        fails=~((pl.col("probability") > 0) & (pl.col("probability") < 1)),
        sentence=lambda row: f"The probability of {day(row['session'])} is {row['probability']}.",
        figures=_FIGURES,
    ),
    Rule(
        name="range_holds_what_is_expected",
        severity=Severity.ERROR,
        meaning="The expected return lies within its own range.",
        reason="Lower and upper end are quantiles of the same distribution.",
        fails=~(
            (pl.col("low") <= pl.col("expected_return") + _ROUNDING)
            & (pl.col("expected_return") <= pl.col("high") + _ROUNDING)
        ),
        sentence=lambda row: (
            f"{percent(row['expected_return'])} is expected on {day(row['session'])}, outside the "
            f"range of {percent(row['low'])} to {percent(row['high'])}."
        ),
        figures=_RANGE,
    ),
    Rule(
        name="return_is_of_a_sober_size",
        severity=Severity.ERROR,
        meaning="No excess return beyond 100 % either way is expected over the horizon.",
        reason="Horizons are days: an error of unit or scale gives such figures.",
        fails=~(pl.col("expected_return").abs() <= LARGEST_EXCESS),
        sentence=lambda row: (
            f"An excess return of {percent(row['expected_return'])} within {row['horizon']} "
            f"sessions is expected on {day(row['session'])}."
        ),
        figures=_RANGE,
    ),
    Rule(
        name="volatility_is_known",
        severity=Severity.ERROR,
        meaning="The volatility that the range is scaled by is positive.",
        reason="Without it the order has no size and the range no width.",
        fails=~((pl.col("volatility") > 0) & pl.col("volatility").is_finite()),
        sentence=lambda row: f"The volatility of {day(row['session'])} is {row['volatility']}.",
        figures=("volatility",),
    ),
    Rule(
        name="horizon_is_ahead",
        severity=Severity.ERROR,
        meaning="The horizon is a session or more.",
        reason="The label runs from the next open on.",
        fails=~(pl.col("horizon") >= 1),
        sentence=lambda row: f"The horizon of {day(row['session'])} is {row['horizon']}.",
        figures=("horizon",),
    ),
    Rule(
        name="reasons_can_be_read",
        severity=Severity.ERROR,
        meaning="The contributions are a list of features with their values and points.",
        reason="The card shows them to whoever signs.",
        fails=~pl.col("readable"),
        sentence=lambda row: f"The contributions of {day(row['session'])} cannot be read.",
    ),
    Rule(
        name="predictions_differ",
        severity=Severity.WARNING,
        meaning="Not every symbol of a session has the same probability.",
        reason="A model that says the same of all has learned the base rate alone.",
        applies=pl.col("others") >= 3,
        fails=pl.col("distinct") == 1,
        sentence=lambda row: (
            f"All {row['others']} symbols of {day(row['session'])} have the probability "
            f"{row['probability']:.4f}."
        ),
        figures=("probability", "others"),
    ),
)


def judge_predictions(predictions: pl.DataFrame, *, calendar: Calendar) -> Judgement:
    """Judge live predictions of one model version row by row.

    Parameters
    ----------
    predictions : frame with the columns of `models.predictions`
        The newest of each symbol and session.
    calendar : Calendar
        The exchange's sessions.
    """
    told = predictions["contributions"].to_list()
    frame = with_closes(predictions, calendar).with_columns(
        pl.Series("readable", [_is_readable(text) for text in told], dtype=pl.Boolean),
        others=pl.len().over("session"),
        distinct=pl.col("probability").n_unique().over("session"),
    )
    return judged(frame, dataset=DATASET, rules=RULES, columns=_COLUMNS)


def _is_readable(text: str) -> bool:
    try:
        told = json.loads(text)
    except ValueError:
        return False
    return isinstance(told, list) and all(
        isinstance(part, dict) and {"feature", "value", "points"} <= part.keys() for part in told
    )
