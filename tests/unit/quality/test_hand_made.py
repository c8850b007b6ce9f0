"""Files made by hand: a defect each and what merely looks like one, as vendors deliver them."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.model import Severity
from tests.unit.quality.market import quiet

PRICES = ("open", "high", "low", "close")
DAYS = exchange().sessions(date(2021, 1, 4), date(2021, 12, 31))
AT = 120


def errors(frame: pl.DataFrame, actions: pl.DataFrame | None = None) -> list[tuple[date, str]]:
    judgement = judge_daily(frame, calendar=exchange(), actions=actions, whole_file=True)
    return [(f.session, f.rule) for f in judgement.findings if f.severity is Severity.ERROR]


def times(frame: pl.DataFrame, where: pl.Expr, factor: float, *names: str) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(where).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name)
        for name in names
    )


def on(day: date) -> pl.Expr:
    return pl.col("session") == day


def since(day: date) -> pl.Expr:
    return pl.col("session") >= day


def split(day: date, ratio: float) -> pl.DataFrame:
    return pl.DataFrame({"symbol": ["A"], "ex_date": [day], "kind": ["split"], "ratio": [ratio]})


@pytest.mark.parametrize("ratio", [2.0, 7.0, 20.0, 0.1])
@pytest.mark.parametrize("counts_follow", [True, False])
def test_a_true_split_passes_whether_or_not_its_volumes_are_divided(
    ratio: float, *, counts_follow: bool
) -> None:
    frame = times(quiet("A", DAYS, 400.0), since(DAYS[AT]), 1 / ratio, *PRICES)
    if counts_follow:
        frame = times(frame, since(DAYS[AT]), ratio, "volume")

    assert errors(frame, split(DAYS[AT], ratio)) == []


@pytest.mark.parametrize("lag", [0, 1, 3, 8])
@pytest.mark.parametrize("counts_follow", [True, False])
def test_earnings_soon_after_shares_were_joined_leave_the_later_volumes_usual(
    lag: int, *, counts_follow: bool
) -> None:
    frame = times(quiet("A", DAYS, 4.0), since(DAYS[AT]), 10.0, *PRICES)
    if counts_follow:
        frame = times(frame, since(DAYS[AT]), 0.1, "volume")
    frame = times(frame, since(DAYS[AT + lag]), 0.8, *PRICES)
    for days, turnover in enumerate((30.0, 16.0, 8.0)):
        frame = times(frame, on(DAYS[AT + lag + days]), turnover, "volume")

    found = errors(frame, split(DAYS[AT], 0.1))

    assert [day for day, _ in found if day > DAYS[AT + lag + 2]] == []


@pytest.mark.parametrize("ratio", [2.0, 4.0, 10.0, 0.1])
def test_a_split_that_nobody_told_is_one_error_on_its_day(ratio: float) -> None:
    frame = times(quiet("A", DAYS, 400.0), since(DAYS[AT]), 1 / ratio, *PRICES)

    assert errors(frame) == [(DAYS[AT], "jump_is_no_unknown_split")]


def test_prices_in_cents_to_the_end_are_wrong_to_the_end() -> None:
    frame = times(quiet("A", DAYS, 40.0), since(DAYS[AT]), 100.0, *PRICES)

    assert errors(frame) == [(day, "unit_is_right") for day in DAYS[AT:]]


@pytest.mark.parametrize(
    ("move", "turnover"),
    [
        (0.67, 4.0),  # earnings at the ratio of a split of 3-for-2
        (0.55, 6.0),
        (1.5, 4.0),
        (2.45, 110.0),  # a trial that succeeds: as no usual day ever trades
        (0.27, 36.0),
    ],
)
def test_news_pass_at_any_size_when_the_volume_is_that_of_news(
    move: float, turnover: float
) -> None:
    frame = times(quiet("A", DAYS, 40.0), since(DAYS[AT]), move, *PRICES)
    frame = times(frame, on(DAYS[AT]), turnover, "volume")
    frame = times(frame, on(DAYS[AT + 1]), max(1.0, turnover / 3), "volume")

    assert errors(frame) == []


def test_a_calm_day_of_rebalancing_passes_and_volume_in_other_units_does_not() -> None:
    frame = quiet("A", DAYS, 40.0)

    assert errors(times(frame, on(DAYS[AT]), 9.0, "volume")) == []
    assert errors(times(frame, on(DAYS[AT]), 100.0, "volume")) == [
        (DAYS[AT], "volume_is_in_shares")
    ]


@pytest.mark.parametrize(("name", "factor"), [("high", 1.4), ("low", 0.65)])
def test_a_lone_price_far_out_is_not_excused_by_twice_the_volume(name: str, factor: float) -> None:
    frame = times(quiet("A", DAYS, 40.0), on(DAYS[AT]), factor, name)
    frame = times(frame, on(DAYS[AT]), 2.0, "volume")

    assert errors(frame) == [(DAYS[AT], "range_is_explained")]


def test_nobody_comes_back_from_an_absence_at_four_times_the_price() -> None:
    kept = [*DAYS[:100], *DAYS[180:]]
    frame = times(quiet("A", kept, 9.0), since(DAYS[180]), 4.0, *PRICES)

    assert errors(frame) == [(DAYS[180], "identity_is_continuous")]


def test_black_monday_passes_alone() -> None:
    # IBM on 1987-10-19 and 20 as shares of its close before (135 USD), rounded.
    days = exchange().sessions(date(1987, 5, 1), date(1987, 10, 16))
    calm = quiet("IBM", days, 140.0)
    last = calm["close"][-1]
    crash = pl.DataFrame(
        [
            ("IBM", date(1987, 10, 19), 0.956, 1.0, 0.754, 0.765, 6.3e6),
            ("IBM", date(1987, 10, 20), 0.785, 0.904, 0.763, 0.852, 5.6e6),
        ],
        schema=calm.schema,
        orient="row",
    ).with_columns(pl.col(PRICES) * last)

    assert errors(pl.concat([calm, crash])) == []


def cents(seed: int) -> pl.DataFrame:
    """A share of a few cents, which every move of a cent moves by a quarter or more."""
    rng = np.random.default_rng(seed)
    close = np.clip(4 + np.cumsum(rng.choice([-1, 0, 0, 0, 1], len(DAYS))), 2, 9) / 100
    opened = np.append(close[0], close[:-1])
    return pl.DataFrame(
        {
            "symbol": "A", "session": DAYS, "open": opened,
            "high": np.maximum(opened, close) + 0.01 * (rng.random(len(DAYS)) < 0.3),
            "low": np.minimum(opened, close), "close": close,
            "volume": np.round(4e5 * rng.lognormal(0.0, 0.9, len(DAYS))),
        }
    ).with_columns(pl.col(name).round(2) for name in PRICES)  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_move_of_a_cent_is_no_error_however_cheap_the_share(seed: int) -> None:
    assert errors(cents(seed)) == []


def test_a_share_of_cents_in_the_wrong_unit_is_told() -> None:
    frame = times(cents(1), on(DAYS[AT]), 100.0, *PRICES)

    assert errors(frame) == [(DAYS[AT], "unit_is_right")]
