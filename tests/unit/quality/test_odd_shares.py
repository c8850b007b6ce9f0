"""Shares that trade little, abroad, wildly or not at all for days: what they do is no error."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.minute import judge_minutes
from quality.rules.model import Judgement, Severity
from tests.unit.quality.market import PRICES, quiet, rows, scaled_from

DAYS = exchange().sessions(date(2015, 1, 5), date(2015, 8, 21))
AT = DAYS[90]


def judged(frame: pl.DataFrame, **options: object) -> Judgement:
    known: dict[str, object] = {"whole_file": True}
    return judge_daily(frame, calendar=exchange(), **(known | options))  # type: ignore[arg-type]  # options of many types


def errors(judgement: Judgement) -> set[tuple[date, str]]:
    return {(f.session, f.rule) for f in judgement.findings if f.severity is Severity.ERROR}


def told(judgement: Judgement, session: date) -> set[str]:
    return {f.rule for f in judgement.findings if f.session == session}


def changed(frame: pl.DataFrame, days: list[date], **to: pl.Expr) -> pl.DataFrame:
    there = pl.col("session").is_in(days)
    return frame.with_columns(
        pl.when(there).then(value).otherwise(pl.col(name)).alias(name) for name, value in to.items()
    )


def of_few_trades(seed: int) -> pl.DataFrame:
    """One or two trades a day, at bid or ask: no range to speak of, and no open near a close."""
    rng = np.random.default_rng(seed)
    middle = 12.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, len(DAYS))))
    opened = (middle * (1.0 + 0.006 * rng.choice([-1, 1], len(DAYS)))).round(2)
    close = np.where(rng.random(len(DAYS)) < 0.5, opened, (opened + 0.01).round(2))
    return pl.DataFrame(
        {
            "symbol": "THIN",
            "session": list(DAYS),
            "open": opened,
            "high": np.maximum(opened, close),
            "low": np.minimum(opened, close),
            "close": close,
            "volume": rng.integers(100, 900, len(DAYS)).astype(float),
        }
    )


def abroad(seed: int) -> pl.DataFrame:
    """A share whose exchange is open while this one is closed: it moves overnight."""
    rng = np.random.default_rng(seed)
    gap, within = rng.normal(0.0, 0.018, len(DAYS)), rng.normal(0.0, 0.006, len(DAYS))
    close = 40.0 * np.exp(np.cumsum(gap + within))
    opened = close / np.exp(within)
    frame = quiet("ADR", DAYS, 40.0, seed=seed)
    return frame.with_columns(
        pl.Series("open", opened),
        pl.Series("close", close),
        pl.Series("high", np.maximum(opened, close) * 1.003),
        pl.Series("low", np.minimum(opened, close) * 0.997),
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shares_of_few_trades_and_from_abroad_are_in_order(seed: int) -> None:
    assert errors(judged(of_few_trades(seed))) == set()
    assert errors(judged(abroad(seed))) == set()


def test_a_month_shuffled_is_found_beside_a_bar_of_zeros() -> None:
    real = rows("AAPL", date(2012, 1, 3), date(2012, 7, 3))
    days = real["session"].to_list()
    month = days[20:45]
    mixed = np.random.default_rng(5).permutation(len(month))
    frame = real.with_columns(
        pl.col("session").replace(dict(zip(month, [month[n] for n in mixed], strict=True)))
    )
    zeros = changed(frame, [days[60]], **{n: pl.lit(0.0) for n in (*PRICES, "volume")})

    found = errors(judged(zeros))
    shuffled = {day for day, rule in found if rule == "rows_are_in_order"}

    assert len(shuffled & set(month)) > 15
    assert shuffled <= set(days[19:46])


def test_a_bar_of_zeros_says_nothing_of_the_rows_around_it() -> None:
    zeros = changed(quiet("A", DAYS, 50.0), [AT], **{n: pl.lit(0.0) for n in (*PRICES, "volume")})

    assert {day for day, _ in errors(judged(zeros))} == {AT}


def news(frame: pl.DataFrame, *, within: float) -> pl.DataFrame:
    """A fall by a third, `within` of it during the day, at about twice the usual volume."""
    fall = 2 / 3
    lower = scaled_from(frame, AT, fall)
    opened = pl.col("open") / fall**within
    return changed(
        lower, [AT], open=opened, high=pl.max_horizontal(opened, "close") * 1.01,
        low=pl.min_horizontal(opened, "close") * 0.99, volume=pl.col("volume") * 3.0,
    )  # fmt: skip


def test_a_fall_that_goes_on_within_its_day_is_news_and_an_overnight_one_is_a_split() -> None:
    wild = quiet("BIO", DAYS, 10.0)

    assert errors(judged(news(wild, within=0.5))) == set()
    assert errors(judged(news(wild, within=0.0))) == {(AT, "jump_is_no_unknown_split")}


def test_the_second_day_of_a_new_share_may_fall_by_a_fifth() -> None:
    fade = (28.0, 8.0, 4.5, 3.0, 2.0, 1.5)
    new = scaled_from(quiet("IPO", DAYS[90:], 30.0), DAYS[91], 0.8)
    for day, times in zip(DAYS[90:], fade, strict=False):
        new = changed(new, [day], volume=pl.col("volume") * times)

    assert errors(judged(new)) == set()


def test_a_first_close_off_by_a_third_is_the_wrong_one_and_not_the_second() -> None:
    frame = changed(quiet("A", DAYS, 50.0), [DAYS[0]], **{n: pl.col(n) * 1.37 for n in PRICES})

    assert {day for day, _ in errors(judged(frame))} == {DAYS[0]}


def test_a_split_after_two_rows_is_told_on_its_day() -> None:
    after = scaled_from(quiet("A", DAYS, 50.0), DAYS[2], 0.2)
    split = changed(after, list(DAYS[2:]), volume=pl.col("volume") * 5.0)

    assert errors(judged(split)) == {(DAYS[2], "jump_is_no_unknown_split")}


def test_a_high_of_the_first_row_is_held_against_the_rows_after_it() -> None:
    frame = changed(quiet("A", DAYS, 50.0), [DAYS[0]], high=pl.col("high") * 1.5)

    assert errors(judged(frame)) == {(DAYS[0], "range_is_explained")}


def halted(*, with_bars: bool, comes_back_with: float) -> pl.DataFrame:
    """Three sessions without a trade, then a fall at many times the usual volume, or nothing."""
    frame = quiet("HLT", DAYS, 50.0)
    pause = list(DAYS[90:93])
    last = frame.filter(session=DAYS[89])["close"].item()
    if comes_back_with != 1.0:
        frame = scaled_from(frame, DAYS[93], comes_back_with)
        frame = changed(frame, [DAYS[93]], volume=pl.col("volume") * 12.0)
    if not with_bars:
        return frame.filter(~pl.col("session").is_in(pause))
    return changed(frame, pause, **{n: pl.lit(last) for n in PRICES}, volume=pl.lit(0.0))


@pytest.mark.parametrize("with_bars", [True, False])
def test_a_halt_that_ends_with_news_is_told_and_no_error(with_bars: bool) -> None:
    judgement = judged(halted(with_bars=with_bars, comes_back_with=0.55))

    assert errors(judgement) == set()
    assert "trading_was_not_interrupted" in told(judgement, DAYS[93])


def test_days_without_a_trade_that_end_as_they_began_are_a_gap() -> None:
    empty = judged(halted(with_bars=True, comes_back_with=1.0))
    gone = judged(halted(with_bars=False, comes_back_with=1.0))

    assert errors(empty) == {(day, "liquid_share_was_traded") for day in DAYS[90:93]}
    assert errors(gone) == {(day, "bar_arrived") for day in DAYS[90:93]}


def test_a_share_of_few_dollars_a_day_may_go_without_a_trade() -> None:
    frame = quiet("PNY", DAYS, 0.8).with_columns((pl.col("volume") / 30).round())
    last = frame.filter(session=DAYS[89])["close"].item()
    idle = changed(frame, [AT], **{n: pl.lit(last) for n in PRICES}, volume=pl.lit(0.0))

    assert errors(judged(idle)) == set()


def minutes(sessions: int = 1, *, level: float = 80.0, busy: float = 2_000.0) -> pl.DataFrame:
    """Random-walk minutes, the first of a session at six times the volume, the last at five."""
    rng = np.random.default_rng(3)
    frames = []
    for day in exchange().sessions(date(2021, 3, 1), date(2021, 3, 12))[:sessions]:
        close = level * np.exp(np.cumsum(rng.normal(0.0, 0.0006, 390)))
        opened = np.append(close[0], close[:-1])
        volume = (busy * rng.lognormal(0.0, 0.5, 390)).round()
        volume[0] *= 6.0
        volume[-1] *= 5.0
        begin = exchange().open(day)
        frames.append(
            pl.DataFrame(
                {
                    "symbol": "M",
                    "session": day,
                    "bar_start": [begin + timedelta(minutes=n) for n in range(390)],
                    "open": opened,
                    "high": np.maximum(opened, close) * 1.0004,
                    "low": np.minimum(opened, close) * 0.9996,
                    "close": close,
                    "volume": volume,
                }
            )
        )
    return pl.concat(frames).with_columns(pl.col("bar_start").dt.cast_time_unit("us"))


def wrong_minutes(frame: pl.DataFrame) -> set[object]:
    found = judge_minutes(frame, calendar=exchange(), whole_file=True).findings
    return {f.bar_start for f in found if f.severity is Severity.ERROR}


@pytest.mark.parametrize(("sessions", "at"), [(1, 0), (1, 389), (3, 390), (3, 779)])
def test_an_auction_s_volume_vouches_for_no_lone_minute(sessions: int, at: int) -> None:
    frame = minutes(sessions)
    stamp = frame["bar_start"][at]
    there = pl.col("bar_start") == stamp
    spoiled = frame.with_columns(
        pl.when(there).then(pl.col(n) * 1.2).otherwise(pl.col(n)).alias(n) for n in PRICES
    )

    assert wrong_minutes(frame) == set()
    assert wrong_minutes(spoiled) == {stamp}


def test_a_session_in_cents_is_the_wrong_one_though_it_comes_first() -> None:
    frame = minutes(3)
    first = pl.col("session") == date(2021, 3, 1)
    cents = frame.with_columns(
        pl.when(first).then(pl.col(n) * 100).otherwise(pl.col(n)).alias(n) for n in PRICES
    )

    assert wrong_minutes(cents) == set(frame.filter(first)["bar_start"])


def test_a_cheap_share_repeats_a_narrow_minute_by_chance_and_a_dear_one_does_not() -> None:
    cheap, dear = minutes(level=1.15, busy=400.0), minutes(busy=20_000.0)
    prices = [pl.col(n).round(2) for n in PRICES]

    def repeated(frame: pl.DataFrame) -> pl.DataFrame:
        told = frame.with_columns(prices)
        again = told[100].with_columns(bar_start=pl.lit(told["bar_start"][101]))
        return pl.concat([told[:101], again, told[102:]], how="vertical_relaxed")

    assert wrong_minutes(repeated(cheap)) == set()
    assert wrong_minutes(repeated(dear)) == {dear["bar_start"][101]}


def restless(seed: int = 8) -> pl.DataFrame:
    """A share whose volume is a third of the usual on one day and three times it on another."""
    rng = np.random.default_rng(seed)
    frame = quiet("A", DAYS, 50.0)
    return frame.with_columns(
        pl.Series("volume", np.round(4e6 * rng.lognormal(0.0, 0.85, len(DAYS))))
    )


def test_a_volume_of_one_thin_feed_is_told_for_as_long_as_it_lasts() -> None:
    part = list(DAYS[60:110])
    thin = changed(restless(), part, volume=(pl.col("volume") * 0.025).round())

    assert errors(judged(restless())) == set()
    assert errors(judged(thin)) == {(day, "volume_is_in_shares") for day in part}


def test_a_volume_that_fades_or_follows_a_split_is_no_thin_feed() -> None:
    fading = restless().with_columns(
        (pl.col("volume") * pl.Series(np.exp(-0.04 * np.arange(len(DAYS))))).round()
    )
    joined = changed(
        scaled_from(restless(), AT, 20.0), list(DAYS[90:]), volume=(pl.col("volume") / 20).round()
    )
    told = pl.DataFrame(
        {"symbol": ["A"], "ex_date": [AT], "kind": ["reverse_split"], "ratio": [1 / 20]}
    )

    assert errors(judged(fading)) == set()
    assert errors(judged(joined, actions=told)) == set()
    assert errors(judged(joined)) == {(AT, "jump_is_no_unknown_split")}


@pytest.mark.parametrize("factor", [0.5, 1.9])
def test_a_halt_of_days_may_end_at_half_or_twice_the_price(factor: float) -> None:
    days = exchange().sessions(date(2014, 1, 6), date(2014, 6, 30))
    frame = quiet("HALT", days, 40.0)
    volume = pl.col("volume")
    after = pl.col("session") >= days[60]
    frame = frame.with_columns(
        *(pl.when(after).then(pl.col(n) * factor).otherwise(pl.col(n)).alias(n) for n in PRICES),
        pl.when(pl.col("session") == days[60]).then(volume * 9.0).otherwise(volume).alias("volume"),
    )

    judgement = judged(frame.filter(~pl.col("session").is_in(days[53:60])))

    assert {day for day, _ in errors(judgement)} <= set(days[53:60])
    assert "trading_was_not_interrupted" in told(judgement, days[60])
