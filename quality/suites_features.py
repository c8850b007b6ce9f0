"""The suite of features: what every stored row of values must be."""

from collections.abc import Sequence
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
from quality.rules.words import day

DATASET: Final = "daily_features"
LARGEST: Final = 1e6
_COLUMNS: Final = ("version", "values", "known_at")


def _named(names: Sequence[str]) -> str:
    more = len(names) - 5
    return ", ".join(names[:5]) + (f" and {more} more" if more > 0 else "")


RULES: Final[tuple[Rule, ...]] = (
    IS_ALONE,
    IS_OF_A_SESSION,
    IS_KNOWN_LATER,
    Rule(
        name="every_feature_has_a_place",
        severity=Severity.ERROR,
        meaning="A row has as many values as its feature set has names.",
        reason="Values are told apart by their place alone.",
        fails=pl.col("width") != pl.col("expected_width"),
        sentence=lambda row: (
            f"The row of {day(row['session'])} has {row['width']} values; its set "
            f"{row['version']} has {row['expected_width']} features."
        ),
        figures=("width", "expected_width"),
    ),
    Rule(
        name="no_feature_is_infinite",
        severity=Severity.ERROR,
        meaning="No value is infinite; a value that is not defined is NaN.",
        reason="A division by nought; a tree would take it for the largest of all.",
        fails=pl.col("infinite").list.len() > 0,
        sentence=lambda row: f"Infinite on {day(row['session'])}: {_named(row['infinite'])}.",
    ),
    Rule(
        name="features_are_of_a_sober_size",
        severity=Severity.ERROR,
        meaning="No value is beyond a million either way.",
        reason="Features are ratios, returns, ranks and scores; so large a one has lost its unit.",
        fails=pl.col("huge").list.len() > 0,
        sentence=lambda row: (
            f"Beyond {LARGEST:,.0f} on {day(row['session'])}: {_named(row['huge'])}."
        ),
    ),
    Rule(
        name="some_feature_is_defined",
        severity=Severity.WARNING,
        meaning="A symbol with five sessions or more has a value that is not NaN.",
        reason="The shortest look-back is a session: none at all is a broken computation.",
        applies=pl.col("number") >= 5,
        fails=pl.col("defined") == 0,
        sentence=lambda row: f"No feature is defined on {day(row['session'])}.",
    ),
    Rule(
        name="features_are_new",
        severity=Severity.WARNING,
        meaning="Not every value is that of the session before.",
        reason="Returns and ranges change each session: equal rows were copied, not computed.",
        applies=pl.col("defined") > 0,
        fails=(pl.col("version") == pl.col("version_before"))
        & (pl.col("values") == pl.col("values_before")),
        sentence=lambda row: (
            f"All {row['defined']} values of {day(row['session'])} are those of the session before."
        ),
        figures=("defined",),
    ),
)


def judge_features(
    features: pl.DataFrame, *, names: Sequence[str], calendar: Calendar
) -> Judgement:
    """Judge stored features row by row.

    Parameters
    ----------
    features : frame with symbol, session, version, values (list), known_at
        Rows of one feature set.
    names : sequence of str
        The set's features in the order of its values.
    calendar : Calendar
        The exchange's sessions.
    """
    ordered = with_closes(features, calendar).sort("symbol", "session", maintain_order=True)
    value = pl.element()
    frame = ordered.with_columns(
        width=pl.col("values").list.len(),
        expected_width=pl.lit(len(names)),
        defined=pl.col("values").list.eval(value.is_finite()).list.sum(),
        infinite=_those(value.is_infinite(), names),
        huge=_those(value.is_finite() & (value.abs() > LARGEST), names),
        number=pl.col("session").cum_count().over("symbol"),
        values_before=pl.col("values").shift(1).over("symbol"),
        version_before=pl.col("version").shift(1).over("symbol"),
    )
    return judged(frame, dataset=DATASET, rules=RULES, columns=_COLUMNS)


def _those(is_it: pl.Expr, names: Sequence[str]) -> pl.Expr:
    """Return the names of the values of which something holds."""
    places = pl.col("values").list.eval(is_it.fill_null(value=False).arg_true())
    named = dict(enumerate(names))
    return places.list.eval(
        pl.element().replace_strict(named, default="one without a name", return_dtype=pl.String)
    )
