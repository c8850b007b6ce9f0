"""Plants judged and counted: how much is found, by which rules, and what is false."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import numpy as np
import polars as pl

from benchmarks.defects import actions as actions_of
from benchmarks.defects import daily, events, market, minute, options, planted
from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.minute import judge_minutes
from quality.rules.model import Finding, Judgement, Severity
from quality.rules.options import judge_options
from quality.rules.records import judge_actions

# They need other symbols to be told by.
_NEEDS_OTHERS = frozenset({"relabelled", "one_day_late", "two_days_swapped_symbols"})
_ACTIONS = ("symbol", "ex_date", "kind", "ratio", "amount")


class Planted(Protocol):
    """A spoiled delivery of any kind."""

    @property
    def frame(self) -> pl.DataFrame: ...
    @property
    def wrong(self) -> Set[Hashable]: ...
    @property
    def touched(self) -> Set[Hashable]: ...


@dataclass
class Score:
    """What became of the plants of one class.

    Attributes
    ----------
    plants, found : int
        Defects planted, and those of which at least nine of ten rows were found.
    rows, rows_found : int
        Spoiled rows, and those called errors.
    clean, false : int
        Clean rows, and those called errors.
    rules, false_rules : Counter
        Findings by rule, on spoiled and on clean rows.
    """

    plants: int = 0
    found: int = 0
    rows: int = 0
    rows_found: int = 0
    clean: int = 0
    false: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    false_rules: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        judgement: Judgement,
        plant: "Planted",
        key: Callable[[Finding], Hashable],
        *,
        warned: bool = False,
    ) -> None:
        """Count one judged plant; what it touched is neither clean nor wrong."""
        wrong, rows = plant.wrong, plant.frame.height - len(plant.touched - plant.wrong)
        told = (Severity.ERROR, Severity.WARNING) if warned else (Severity.ERROR,)
        keyed = [(key(f), f.rule) for f in judgement.findings if f.severity in told]
        keyed = [(at, rule) for at, rule in keyed if at in wrong or at not in plant.touched]
        named = {where for where, _ in keyed}
        hit = len(named & wrong)
        self.plants += 1
        self.found += hit >= 0.9 * len(wrong)
        self.rows += len(wrong)
        self.rows_found += hit
        self.clean += rows - len(wrong)
        self.false += len(named - wrong)
        for where, rule in keyed:
            (self.rules if where in wrong else self.false_rules)[rule] += 1


def daily_scores(
    variants: int, *, planters: Mapping[str, daily.Planter], seed: int
) -> dict[str, Score]:
    """Plant each daily defect so often and judge each file as it would arrive."""
    scores: dict[str, Score] = {}
    for name, planter in planters.items():
        score = scores[name] = Score()
        for variant in range(variants):
            rng = np.random.default_rng([seed, *name.encode(), variant])
            shape = 1 + variant % 2 if name in _NEEDS_OTHERS else variant % 3
            frame, actions = _clean(shape, rng)
            plant = planter(frame, rng)
            if plant.actions is not None:
                actions = pl.concat([actions, plant.actions], how="diagonal")
            actions = _per_share(actions, plant.split)
            judgement = judge_daily(
                plant.frame, calendar=exchange(), actions=actions, whole_file=True
            )
            score.add(judgement, plant, lambda f: (f.symbol, f.session))
    return scores


def _per_share(actions: pl.DataFrame, split: tuple[str, date, float] | None) -> pl.DataFrame:
    """Let what is paid after a planted split be paid on the shares there are then."""
    if split is None or "amount" not in actions.columns:
        return actions
    symbol, first, ratio = split
    later = (pl.col("symbol") == symbol) & (pl.col("ex_date") >= first)
    return actions.with_columns(
        pl.when(later).then(pl.col("amount") / ratio).otherwise("amount").alias("amount")
    )


def option_scores(
    variants: int, *, planters: Mapping[str, planted.Planter], seed: int
) -> dict[str, Score]:
    """Plant each defect of quotes so often and judge each chain as it would arrive."""
    scores: dict[str, Score] = {}
    for name, planter in planters.items():
        score = scores[name] = Score()
        for variant in range(variants):
            rng = np.random.default_rng([seed, *name.encode(), variant])
            plant = planter(options.chains(int(rng.integers(1, 5))), rng)
            judgement = judge_options(plant.frame, calendar=exchange(), actions=options.splits())
            score.add(judgement, plant, options.key_of)
    return scores


def action_scores(
    variants: int, *, planters: Mapping[str, planted.Planter], seed: int
) -> dict[str, Score]:
    """Plant each defect of actions so often and judge each file beside its bars."""
    bars, told = actions_of.truth()
    scores: dict[str, Score] = {}
    for name, planter in planters.items():
        score = scores[name] = Score()
        for variant in range(variants):
            rng = np.random.default_rng([seed, *name.encode(), variant])
            plant = planter(told, rng)
            judgement = judge_actions(plant.frame, calendar=exchange(), bars=bars)
            # What is not on file cannot be held: it can only be warned of.
            score.add(judgement, plant, actions_of.key_of, warned=name.startswith("missing"))
    return scores


def _clean(shape: int, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one real symbol alone, six years of the real five, or an invented market."""
    if shape == 0:
        own = market.real().filter(symbol=str(rng.choice(["AAPL", "GOOG", "IBM", "MSFT"])))
        first = int(rng.integers(0, own.height - 800))
        return own.slice(first, int(rng.integers(500, 800))), market.splits()
    if shape == 1:
        year = int(rng.integers(2000, 2008))
        within = pl.col("session").dt.year().is_between(year, year + 5)
        return market.real().filter(within), market.splits()
    bars, actions = market.invented()
    return bars, actions.select(_ACTIONS)


def minute_scores(
    variants: int, *, planters: Mapping[str, minute.Planter], seed: int
) -> dict[str, Score]:
    """Plant each minute defect so often and judge each file as it would arrive."""
    scores: dict[str, Score] = {}
    for name, planter in planters.items():
        score = scores[name] = Score()
        for variant in range(variants):
            rng = np.random.default_rng([seed, *name.encode(), variant])
            frame = market.minutes(seed=int(rng.integers(1, 6)))
            if variant % 3 == 0:
                frame = frame.filter(symbol=str(rng.choice(frame["symbol"].unique().sort())))
            plant = planter(frame, rng)
            judgement = judge_minutes(plant.frame, calendar=exchange(), whole_file=True)
            score.add(judgement, plant, lambda f: (f.symbol, f.bar_start))
    return scores


@dataclass(frozen=True)
class Passing:
    """What became of the look-alikes: how many, those called errors, and errors besides."""

    events: int
    refused: tuple[str, ...]
    besides: int


def look_alikes() -> Passing:
    """Judge every real look-alike."""
    refused: list[str] = []
    count = besides = 0
    for event in events.all_of_them():
        judgement = judge_daily(
            event.frame, calendar=exchange(), actions=event.actions, whole_file=True
        )
        wrong = [f for f in judgement.findings if f.severity is Severity.ERROR]
        here = [f for f in wrong if (f.symbol, f.session) == (event.symbol, event.at)]
        refused += [f"{event.name}: {f.rule}" for f in here]
        besides += len(wrong) - len(here)
        count += 1
    return Passing(count, tuple(refused), besides)


def clean_rows() -> list[tuple[str, int, Counter[str]]]:
    """Judge clean bars; return what they are, their rows, and the errors found by rule."""
    sample, invented = market.real(), market.invented(200, 3)
    deliveries = [
        ("real sample, whole file", sample, market.splits(), True),
        ("real sample, gate", sample, market.splits(), False),
        ("generated market of 200 symbols, whole file", *invented, True),
        ("generated market of 200 symbols, gate", *invented, False),
    ]
    told = []
    for name, bars, actions, whole in deliveries:
        judged = judge_daily(bars, calendar=exchange(), actions=actions, whole_file=whole)
        told.append((name, bars.height, _errors(judged)))
    bars, actions = actions_of.truth()
    judged = judge_actions(actions, calendar=exchange(), bars=bars)
    told.append(("actions of a generated market, beside its bars", actions.height, _errors(judged)))
    for name, chain in options.look_alikes():
        judged = judge_options(chain, calendar=exchange(), actions=options.splits())
        told.append((f"options: {name}", chain.height, _errors(judged)))
    for name, bars in (
        ("random-walk minutes, whole file", market.minutes(40, 9)),
        ("minutes as the desk simulates them, whole file", market.simulated()),
    ):
        judged = judge_minutes(bars, calendar=exchange(), whole_file=True)
        told.append((name, bars.height, _errors(judged)))
    return told


def _errors(judgement: Judgement) -> Counter[str]:
    return Counter(f.rule for f in judgement.findings if f.severity is Severity.ERROR)
