from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from quality.calendar import exchange
from quality.rules.minute import RULES, judge_minutes
from quality.rules.model import Judgement, Severity

SESSION = date(2012, 7, 2)  # 09:30 to 16:00 in New York is 13:30 to 20:00 UTC
OPEN = datetime(2012, 7, 2, 13, 30, tzinfo=UTC)
HALF = date(2012, 7, 3)  # closes at 13:00


def minutes(symbol: str = "AAPL", *, seed: int = 7, n: int = 390) -> pl.DataFrame:
    """A quiet session: steps of three basis points, steady volume."""
    generator = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(generator.normal(0.0, 3e-4, n)))
    opened = np.concatenate([[100.0], close[:-1]])
    return pl.DataFrame(
        {
            "symbol": [symbol] * n,
            "session": [SESSION] * n,
            "bar_start": [OPEN + timedelta(minutes=i) for i in range(n)],
            "open": opened,
            "high": np.maximum(opened, close) * 1.0001,
            "low": np.minimum(opened, close) * 0.9999,
            "close": close,
            "volume": generator.integers(900, 1_100, n),
        }
    )


def day_of(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.group_by("symbol", "session").agg(
        pl.col("high").max(), pl.col("low").min(), pl.col("close").last(), pl.col("volume").sum()
    )


def changed(frame: pl.DataFrame, minute: int, **changes: pl.Expr) -> pl.DataFrame:
    there = pl.col("bar_start") == OPEN + timedelta(minutes=minute)
    return frame.with_columns(
        pl.when(there).then(change).otherwise(pl.col(name)).alias(name)
        for name, change in changes.items()
    )


def judged(frame: pl.DataFrame, **options: object) -> Judgement:
    return judge_minutes(frame, calendar=exchange(), **options)  # type: ignore[arg-type]  # options of many types


def found(judgement: Judgement, *severities: Severity) -> set[str]:
    wanted = severities or (Severity.ERROR, Severity.WARNING)
    return {f.rule for f in judgement.findings if f.severity in wanted}


def test_a_quiet_session_that_agrees_with_its_day_passes_every_rule() -> None:
    frame = minutes()

    judgement = judged(frame, daily=day_of(frame), now=OPEN + timedelta(hours=8))

    assert judgement.findings == ()
    verdict = judgement.verdicts.row(0, named=True)
    whole_file_only = {
        "time_zone_is_right", "minute_ends_with_its_session", "session_is_no_copy",
        "volume_is_of_the_minute", "minutes_are_in_order", "price_moves_with_trades",
        "session_has_no_hole", "bar_is_of_its_symbol", "session_is_in_its_unit",
        "night_is_no_unknown_split",
    }  # fmt: skip
    asked = len(RULES) - len(whole_file_only)
    assert (verdict["status"], verdict["checks"], verdict["checks_passed"]) == (
        "passed", asked, asked,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("factor", "rule"),
    [
        (1.10, "minute_is_no_bad_tick"),
        (0.90, "minute_is_no_bad_tick"),
        (10.0, "unit_is_right"),
        (0.01, "unit_is_right"),
    ],
)
def test_a_lone_tick_is_held_and_the_next_minute_is_not(factor: float, rule: str) -> None:
    names = ("open", "high", "low", "close")
    frame = changed(minutes(), 200, **{name: pl.col(name) * factor for name in names})

    judgement = judged(frame)

    assert found(judgement) == {rule}
    assert judgement.held["bar_start"].to_list() == [OPEN + timedelta(minutes=200)]
    assert judgement.verdicts["status"].to_list() == ["held"]


@pytest.mark.parametrize(("factor", "held"), [(1.039, 0), (1.042, 1)])
def test_four_per_cent_is_where_a_lone_high_becomes_a_bad_tick(factor: float, held: int) -> None:
    frame = minutes()
    middle = frame["close"][195:200].median()
    frame = changed(frame, 200, high=pl.lit(middle) * factor)

    assert judged(frame).held.height == held


def test_a_fall_with_volume_or_with_the_others_passes() -> None:
    later = pl.col("bar_start") >= OPEN + timedelta(minutes=200)

    def fallen(frame: pl.DataFrame, share: float) -> pl.DataFrame:
        names = ("open", "high", "low", "close")
        return frame.with_columns(
            pl.when(later).then(pl.col(n) * (1 - share)).otherwise(pl.col(n)).alias(n)
            for n in names
        )

    busy = fallen(minutes(), 0.06).with_columns(
        pl.when(later).then(pl.col("volume") * 8).otherwise(pl.col("volume")).alias("volume")
    )
    crowd = pl.concat([fallen(minutes(s, seed=i), 0.06) for i, s in enumerate("ABCDE")])

    assert judged(busy).held.is_empty()
    assert judged(crowd).held.is_empty()
    assert not judged(fallen(minutes(), 0.06)).held.is_empty()


def test_later_minutes_never_change_an_earlier_judgement() -> None:
    names = ("open", "high", "low", "close")
    frame = pl.concat([minutes(s, seed=i) for i, s in enumerate("ABC")])
    frame = frame.with_columns(
        pl.when((pl.col("symbol") == "A") & (pl.col("bar_start") == OPEN + timedelta(minutes=99)))
        .then(pl.col(n) * 1.2)
        .otherwise(pl.col(n))
        .alias(n)
        for n in names
    )
    cut = OPEN + timedelta(minutes=150)

    whole = judged(frame).outcomes.filter(pl.col("bar_start") < cut)
    part = judged(frame.filter(pl.col("bar_start") < cut)).outcomes

    # Which minute is the last one is known only at the end, and only its rules may differ.
    last_rules = {"last_minute_meets_the_close", "volumes_add_up", "session_is_complete"}
    assert whole.drop(last_rules).equals(part.drop(last_rules))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"high": pl.col("low") * 0.99}, "prices_are_consistent"),
        ({"low": pl.lit(0.0)}, "prices_are_positive"),
        ({"close": pl.lit(None)}, "values_are_present"),
        ({"volume": pl.lit(-1)}, "volume_is_not_negative"),
        ({"bar_start": pl.col("bar_start") + timedelta(seconds=7)}, "stamp_is_a_whole_minute"),
        ({"bar_start": pl.col("bar_start") + timedelta(hours=12)}, "minute_is_of_its_session"),
    ],
)
def test_a_defect_of_a_minute_is_named(changes: dict[str, pl.Expr], rule: str) -> None:
    assert rule in found(judged(changed(minutes(), 200, **changes)), Severity.ERROR)


def test_a_delivery_in_the_wrong_time_zone_is_held() -> None:
    # Stamps of New York taken for UTC: 09:30 local becomes 05:30 local, before four in no case
    # for the first minutes; those of Tokyo become night.
    tokyo = minutes().with_columns(pl.col("bar_start") - timedelta(hours=13))

    judgement = judged(tokyo)

    assert judgement.passed.is_empty()
    assert found(judgement, Severity.ERROR) == {"minute_is_of_its_session"}


@pytest.mark.parametrize(
    ("part", "hours", "words"),
    [
        (pl.col("bar_start") >= OPEN + timedelta(minutes=150), 1, "after a hole as long lie 60"),
        (pl.col("bar_start") < OPEN + timedelta(minutes=150), -1, "before a hole as long lie 60"),
    ],
)
def test_a_part_of_a_session_stamped_an_hour_off_is_told_whole(
    part: pl.Expr, hours: int, words: str
) -> None:
    moved = minutes().with_columns(
        pl.when(part).then(pl.col("bar_start") + timedelta(hours=hours)).otherwise("bar_start")
    )

    wrong = judged(moved, whole_file=True)

    told = [f for f in wrong.findings if f.severity is Severity.ERROR]
    assert {f.rule for f in told} == {"time_zone_is_right"}
    assert len(told) == minutes().filter(part).height
    assert words in told[0].message
    # Half a session without a bar, as in a halt, is no shift.
    assert found(judged(minutes().filter(~part), whole_file=True), Severity.ERROR) == set()


def test_a_session_sent_again_under_a_later_date_is_told_whole() -> None:
    once = minutes()
    again = once.with_columns(
        pl.lit(HALF).alias("session"), pl.col("bar_start") + timedelta(days=1)
    )
    half = again.head(210)

    told = judged(pl.concat([once.head(210), half]), whole_file=True)

    errors = [f for f in told.findings if f.severity is Severity.ERROR]
    assert {(f.rule, f.session) for f in errors} == {("session_is_no_copy", HALF)}
    assert len(errors) == half.height
    other = half.with_columns(pl.col("volume") + 1)
    assert found(judged(pl.concat([once.head(210), other]), whole_file=True)) == {
        "session_is_complete"
    }


def test_the_volume_of_the_session_so_far_is_no_volume_of_a_minute() -> None:
    total = minutes().with_columns(pl.col("volume").cum_sum())

    assert found(judged(total, whole_file=True), Severity.ERROR) == {"volume_is_of_the_minute"}


def test_extended_hours_beside_a_halt_are_no_shift() -> None:
    day, night = minutes(), minutes(n=60, seed=3)
    halted = pl.concat([day.slice(0, 150), day.slice(210)])
    late = night.with_columns(pl.col("bar_start") + timedelta(minutes=390))
    others = [pl.concat([day, late]).with_columns(symbol=pl.lit(name)) for name in ("B", "C", "D")]

    judgement = judged(pl.concat([halted, late, *others]), whole_file=True)

    assert "time_zone_is_right" not in found(judgement)


def test_extended_hours_are_noted_and_half_days_known() -> None:
    half = minutes().with_columns(
        pl.lit(HALF).alias("session"), pl.col("bar_start") + timedelta(days=1)
    )

    judgement = judged(half)

    # From 13:00 to 16:00 in New York: 180 of the 390 minutes come after the early close.
    (told,) = judgement.findings
    assert told.rule == "minute_is_regular"
    assert told.message == (
        "180 minutes from 13:00 to 15:59 lie outside the regular hours of Tue 3 Jul. "
        "That session ran from 09:30 to 13:00."
    )
    assert judgement.tally.filter(pl.col("rule") == told.rule)["failed"].item() == 180
    assert judgement.held.is_empty()


def test_minutes_of_the_future_are_held() -> None:
    judgement = judged(minutes(), now=OPEN + timedelta(minutes=380))

    assert judgement.held.height == 9


def test_minutes_that_contradict_the_day_are_told() -> None:
    frame = minutes()
    day = day_of(frame)

    lower = judged(frame, daily=day.with_columns(pl.col("high") * 0.99))
    shut = judged(frame, daily=day.with_columns(pl.col("close") * 1.02))
    thin = judged(frame, daily=day.with_columns(pl.col("volume") // 2))

    assert "minute_agrees_with_the_day" in found(lower, Severity.ERROR)
    assert found(shut) == {"last_minute_meets_the_close"}
    assert found(thin) == {"volumes_add_up"}


def test_a_gap_is_told_and_a_missing_symbol_held() -> None:
    frame = minutes()
    gap = frame.filter(~pl.col("bar_start").is_between(
        OPEN + timedelta(minutes=100), OPEN + timedelta(minutes=160)
    ))  # fmt: skip
    wanted = pl.DataFrame({"symbol": ["AAPL", "IBM"], "from_session": [SESSION, SESSION]})

    assert found(judged(gap)) == {"session_is_complete"}
    assert found(judged(frame, expected=wanted)) == {"bar_arrived"}


def test_repeats_are_merged_and_conflicts_held() -> None:
    frame = minutes()
    other = frame.slice(10, 1).with_columns(pl.col("close") * 1.00005)

    assert judged(pl.concat([frame, frame.slice(10, 1)])).passed.height == 390
    assert judged(pl.concat([frame, other])).held.height == 2
