"""Rules that watch a figure: what they may watch, and whether they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from trading.wording import money, percent

Area = Literal["price", "indicator", "profit", "risk", "data", "order", "system"]
Comparison = Literal["above", "below"]
Source = Literal["worker", "close"]
Unit = Literal["USD", "share", "points", "minutes", "seconds", "count"]


@dataclass(frozen=True)
class Measure:
    """A figure that can be watched.

    Attributes
    ----------
    of : str
        What it is a figure of: a symbol, a process, or the desk (one figure).
    source : str
        Who looks: the worker every few seconds, or the pipeline after each close.
    may_be_negative : bool
        Whether the figure can fall below zero.
    """

    label: str
    area: Area
    unit: Unit
    of: Literal["symbol", "process", "desk"]
    source: Source
    may_be_negative: bool = False


MEASURES: Final[dict[str, Measure]] = {
    "last_price": Measure("last price", "price", "USD", "symbol", "worker"),
    "day_return": Measure(
        "return of the session", "price", "share", "symbol", "close", may_be_negative=True
    ),
    "rsi_14": Measure("RSI over 14 sessions", "indicator", "points", "symbol", "close"),
    "above_average_50": Measure(
        "distance from the 50-session average",
        "indicator",
        "share",
        "symbol",
        "close",
        may_be_negative=True,
    ),
    "volatility_20": Measure(
        "volatility a year, of 20 sessions", "indicator", "share", "symbol", "close"
    ),
    "day_gain": Measure(
        "gain since the last close", "profit", "share", "desk", "worker", may_be_negative=True
    ),
    "open_gain": Measure("open gain", "profit", "USD", "symbol", "worker", may_be_negative=True),
    "drawdown": Measure("drawdown from the highest equity", "risk", "share", "desk", "worker"),
    "gross_exposure": Measure("gross exposure", "risk", "share", "desk", "worker"),
    "position_share": Measure("share of equity", "risk", "share", "symbol", "worker"),
    "value_at_risk": Measure(
        "value at risk, 99 % one day", "risk", "share", "desk", "close", may_be_negative=True
    ),
    "quote_age": Measure("age of the last quote", "data", "minutes", "symbol", "worker"),
    "held_back": Measure("symbols held back", "data", "count", "desk", "close"),
    "order_age": Measure("age of the oldest working order", "order", "minutes", "desk", "worker"),
    "unresolved_orders": Measure("orders with unknown outcome", "order", "count", "desk", "worker"),
    "rejected_orders": Measure(
        "orders refused by the broker in a session", "order", "count", "desk", "worker"
    ),
    "silence": Measure("time without a sign of life", "system", "seconds", "process", "worker"),
    "failed_runs": Measure("failed runs in an hour", "system", "count", "desk", "worker"),
}


@dataclass(frozen=True)
class Rule:
    """Raise an alert while a figure is above, or below, a threshold.

    Attributes
    ----------
    rule_id : str
        A UUID, or the name of a built-in rule.
    subject : str
        The symbol or process; empty: each that has such a figure.
    threshold : Decimal
        In the measure's unit; a share is a fraction.
    """

    rule_id: str
    measure: str
    subject: str
    comparison: Comparison
    threshold: Decimal
    severity: Literal["note", "warning", "critical"]

    @property
    def kind(self) -> str:
        """The kind of its alerts."""
        return f"rule:{self.rule_id}"

    @property
    def condition(self) -> str:
        """What lasts: the same words whatever the figure is meanwhile."""
        return f"{self.measure} {self.comparison} {self.threshold.normalize():f}"


@dataclass(frozen=True)
class Figure:
    """What a measure is now; `subject` is empty for one of the whole desk."""

    measure: str
    subject: str
    value: Decimal


@dataclass(frozen=True)
class Held:
    """A rule whose threshold is crossed by one figure."""

    rule: Rule
    subject: str
    sentence: str


def holding(rules: Sequence[Rule], figures: Sequence[Figure]) -> list[Held]:
    """Return the rules that hold, once for each figure beyond the threshold.

    A figure that equals the threshold is neither above nor below it. A rule without a figure
    does not hold.

    Raises
    ------
    ValueError
        If a rule watches what is not a measure.
    """
    for rule in rules:
        require_known(rule)
    return [
        Held(rule, figure.subject, _sentence(rule, figure))
        for rule in rules
        for figure in figures
        if figure.measure == rule.measure
        and rule.subject in {"", figure.subject}
        and _is_beyond(figure.value, rule)
    ]


def require_known(rule: Rule) -> None:
    """Refuse a rule about what is not a measure, or whose threshold is not a number.

    Raises
    ------
    ValueError
        Naming what can be watched.
    """
    if rule.measure not in MEASURES:
        raise ValueError(
            f"A rule watches one of {', '.join(sorted(MEASURES))}, was {rule.measure!r}."
        )
    if not rule.threshold.is_finite():
        raise ValueError(f"A threshold must be a number, was {rule.threshold}.")
    if rule.subject and MEASURES[rule.measure].of == "desk":
        raise ValueError(f"{rule.measure!r} is one figure of the desk, not of {rule.subject!r}.")


def require_within_reach(rule: Rule) -> None:
    """Refuse a threshold that the figure can never cross; of rules to be made, not of kept ones.

    Raises
    ------
    ValueError
        Naming what was wanted and what came.
    """
    measure = MEASURES[rule.measure]
    if rule.threshold < 0 and not measure.may_be_negative:
        always = "always" if rule.comparison == "above" else "never"
        raise ValueError(
            f"A threshold of {measure.label} must be 0 or more, was "
            f"{said(rule.threshold, measure.unit)}: it is never negative, so the rule would "
            f"{always} hold. Write it without the minus."
        )


def said(value: Decimal, unit: Unit) -> str:
    """Return a figure with its unit."""
    if unit == "USD":
        return money(value)
    if unit == "share":
        return percent(value)
    figure = f"{value:,.1f}".removesuffix(".0").replace("-", "−")
    return figure if unit in {"count", "points"} else f"{figure} {unit}"


def in_words(rule: Rule) -> str:
    """Return a rule as people say it: ``IBM: last price below 190.00 USD``."""
    measure = MEASURES[rule.measure]
    whose = f"{rule.subject}: " if rule.subject else ""
    each = "" if rule.subject or measure.of == "desk" else f" of any {measure.of}"
    return f"{whose}{measure.label}{each} {rule.comparison} {said(rule.threshold, measure.unit)}"


def _is_beyond(value: Decimal, rule: Rule) -> bool:
    return value > rule.threshold if rule.comparison == "above" else value < rule.threshold


def _sentence(rule: Rule, figure: Figure) -> str:
    measure = MEASURES[rule.measure]
    whose = f"{figure.subject}: " if figure.subject else ""
    now, bound = said(figure.value, measure.unit), said(rule.threshold, measure.unit)
    text = f"{whose}{measure.label} is {now}, {rule.comparison} {bound}."
    return text[0].upper() + text[1:]
