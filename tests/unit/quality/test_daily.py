from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.calendar import exchange
from quality.rules.daily import RULES, judge_daily
from quality.rules.model import Judgement, Severity, UnreadableDeliveryError, worst_session
from tests.unit.quality.market import SYMBOLS, index, planted, rows, sample, splits

FIRST, LAST = date(2012, 1, 3), date(2012, 7, 3)


def judged(frame: pl.DataFrame, **options: object) -> Judgement:
    known: dict[str, object] = {"actions": splits(), "index": index()}
    return judge_daily(frame, calendar=exchange(), **(known | options))  # type: ignore[arg-type]  # options of many types


def errors(judgement: Judgement) -> set[tuple[str, date, str]]:
    return {
        (f.symbol, f.session, f.rule) for f in judgement.findings if f.severity is Severity.ERROR
    }


def rules_at(judgement: Judgement, session: date) -> set[str]:
    return {f.rule for f in judgement.findings if f.session == session}


def test_no_real_bar_of_thirteen_years_is_called_an_error() -> None:
    judgement = judged(sample(), expected=SYMBOLS)

    assert errors(judgement) == set()
    assert judgement.held.is_empty()
    assert judgement.passed.height == sample().height


def test_real_bars_pass_when_the_index_is_not_known() -> None:
    assert errors(judged(sample(), index=None)) == set()


@pytest.mark.parametrize(
    ("symbol", "session"),
    [
        ("AAPL", date(2000, 9, 29)),  # a profit warning halves the price
        ("AAPL", date(2008, 9, 29)),  # the House refuses the rescue
        ("IBM", date(2008, 10, 10)),
        ("MSFT", date(2008, 10, 13)),
        ("AAPL", date(2010, 5, 6)),  # the flash crash
        ("AAPL", date(2001, 9, 17)),  # the first session after the closure
        ("GOOG", date(2008, 4, 18)),  # a surge on earnings
        ("FB", date(2012, 5, 18)),  # its first day
        ("FB", date(2012, 7, 27)),  # its first earnings
        ("AAPL", date(2005, 2, 28)),  # a split on file
    ],
)
def test_a_real_event_passes(symbol: str, session: date) -> None:
    event = rows(symbol, session - timedelta(days=400), session)

    judgement = judged(event)

    verdict = judgement.verdicts.filter(pl.col("session") == session).row(0, named=True)
    assert verdict["status"] == "passed"


def test_the_held_back_card_speaks_as_the_analyst_was_promised() -> None:
    # 2012-07-03: the real close 599.41 arrives as 59.94.
    frame = planted(rows("AAPL", FIRST, LAST), LAST, close=pl.lit(59.94))

    judgement = judged(frame)

    finding = next(f for f in judgement.findings if f.rule == "unit_is_right")
    assert finding.message == (
        "The close of Tue 3 Jul arrived as 59.94, 89.9 % below 592.52 the session before. "
        "No split is on file and the index rose 0.6 %. It looks like a factor-of-ten error."
    )
    assert judgement.held["finding_id"].to_list() == [finding.finding_id]


@pytest.mark.parametrize("factor", [10.0, 100.0, 0.1, 0.01])
def test_a_whole_bar_in_the_wrong_unit_is_held(factor: float) -> None:
    names = ("open", "high", "low", "close")
    frame = planted(
        rows("IBM", FIRST, LAST),
        date(2012, 6, 28),
        **{name: pl.col(name) * factor for name in names},
    )

    judgement = judged(frame)

    assert errors(judgement) == {("IBM", date(2012, 6, 28), "unit_is_right")}


@pytest.mark.parametrize("ratio", [1.5, 2.0, 3.0, 5.0, 7.0, 1 / 4])
def test_a_split_nobody_told_us_is_held_until_it_is_known(ratio: float) -> None:
    ex_date = date(2012, 6, 1)
    names = ("open", "high", "low", "close")
    later = pl.col("session") >= ex_date
    frame = rows("GOOG", FIRST, LAST).with_columns(
        pl.when(later).then(pl.col(n) / ratio).otherwise(pl.col(n)).alias(n) for n in names
    )
    told = pl.DataFrame(
        {"symbol": ["GOOG"], "ex_date": [ex_date], "kind": ["split"], "ratio": [ratio]}
    )

    silent, informed = judged(frame), judged(frame, actions=told)

    assert rules_at(silent, ex_date) == {"jump_is_no_unknown_split"}
    assert silent.held["session"].min() == ex_date
    assert silent.held.height == frame.filter(later).height
    assert errors(informed) == set()


def test_an_action_heard_late_holds_the_sessions_before_it() -> None:
    frame = rows("AAPL", date(2004, 6, 1), date(2005, 3, 31))
    known = datetime(2005, 3, 3, 22, 0, tzinfo=UTC)  # after the close of 3 March
    late = splits().filter(ex_date=date(2005, 2, 28)).with_columns(pl.lit(known).alias("known_at"))

    then, since = judged(frame, actions=late), judged(frame, actions=late, as_of=known)

    assert then.held["session"].to_list() == [
        date(2005, 2, 28), date(2005, 3, 1), date(2005, 3, 2), date(2005, 3, 3),
    ]  # fmt: skip
    assert since.held.is_empty()


def test_a_phantom_split_holds_the_symbol() -> None:
    ghost = pl.DataFrame(
        {"symbol": ["IBM"], "ex_date": [date(2012, 6, 1)], "kind": ["split"], "ratio": [2.0]}
    )

    judgement = judged(rows("IBM", FIRST, LAST), actions=ghost)

    assert "split_shows_in_price" in rules_at(judgement, date(2012, 6, 1))
    assert judgement.held["session"].min() == date(2012, 6, 1)


def test_an_inverted_split_ratio_is_told_apart() -> None:
    inverted = splits().with_columns(pl.lit(0.5).alias("ratio"))

    judgement = judged(rows("AAPL", date(2004, 6, 1), date(2005, 2, 28)), actions=inverted)

    assert rules_at(judgement, date(2005, 2, 28)) == {"split_ratio_is_not_inverted"}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"high": pl.col("low") * 0.99}, "prices_are_consistent"),
        ({"low": pl.lit(0.0)}, "prices_are_positive"),
        ({"open": pl.lit(-1.0)}, "prices_are_positive"),
        ({"close": pl.lit(None)}, "values_are_present"),
        ({"open": pl.lit(float("nan"))}, "values_are_present"),
        ({"volume": pl.lit(-5)}, "volume_is_not_negative"),
        ({"volume": pl.lit(0)}, "prices_moved_with_trades"),
        ({"high": pl.col("high") * 10.0}, "range_is_explained"),
        ({"low": pl.col("low") / 10.0}, "range_is_explained"),
    ],
)
def test_a_defect_within_the_bar_is_named_and_held(changes: dict[str, pl.Expr], rule: str) -> None:
    at = date(2012, 6, 28)
    frame = planted(rows("IBM", FIRST, LAST), at, **changes)

    judgement = judged(frame)

    assert rule in rules_at(judgement, at)
    assert {session for _, session, _ in errors(judgement)} == {at}


@pytest.mark.parametrize(("over", "held"), [(0.00005, 0), (0.0002, 1)])
def test_a_hundredth_of_a_cent_is_rounding_and_more_is_not(over: float, held: int) -> None:
    at = date(2012, 6, 28)
    frame = rows("IBM", FIRST, LAST)
    frame = planted(frame, at, high=pl.max_horizontal("open", "close") - over)

    assert judged(frame).held.height == held


@pytest.mark.parametrize(("move", "held"), [(0.17, 0), (0.23, 1)])
def test_a_lone_move_is_refused_only_beyond_its_threshold(move: float, held: int) -> None:
    at = date(2012, 6, 28)
    names = ("open", "high", "low", "close")
    before = rows("IBM", FIRST, date(2012, 6, 27))["close"][-1]
    bar = rows("IBM", at, at)["close"][0]
    scale = before * (1 + move) / bar
    frame = planted(
        rows("IBM", FIRST, at),
        at,
        **{name: pl.col(name) * scale for name in names},
    )

    assert judged(frame).held.height == held


def test_the_same_move_passes_when_volume_confirms_it() -> None:
    at = date(2012, 6, 28)
    names = ("open", "high", "low", "close")
    lone = planted(rows("IBM", FIRST, at), at, **{name: pl.col(name) * 0.75 for name in names})
    traded = planted(lone, at, volume=pl.col("volume") * 6)

    assert judged(lone).held.height == 1
    assert judged(traded).held.is_empty()


def test_identical_repeats_are_merged_and_conflicting_ones_held() -> None:
    frame = rows("IBM", FIRST, LAST)
    other = frame.tail(1).with_columns(pl.col("close") - 0.5)

    twice = judged(pl.concat([frame, frame.tail(1)]))
    torn = judged(pl.concat([frame, other]))

    assert twice.passed.height == frame.height
    assert rules_at(twice, LAST) == {"repeats_are_merged"}
    assert torn.held.height == 2
    assert rules_at(torn, LAST) == {"keys_are_unique"}


@pytest.mark.parametrize(
    ("day", "rule"),
    [
        (date(2012, 6, 30), "day_is_not_a_weekend"),
        (date(2012, 7, 4), "day_is_a_session"),
        (date(2012, 10, 29), "day_is_a_session"),  # the hurricane
        (date(2001, 9, 12), "day_is_a_session"),
    ],
)
def test_a_bar_on_a_day_without_trading_is_held(day: date, rule: str) -> None:
    frame = rows("IBM", day - timedelta(days=90), day)
    frame = pl.concat([frame, frame.tail(1).with_columns(pl.lit(day).alias("session"))])

    assert rule in rules_at(judged(frame), day)


def test_a_bar_of_the_future_is_held() -> None:
    judgement = judged(rows("IBM", FIRST, LAST), until=date(2012, 7, 2))

    assert errors(judgement) == {("IBM", LAST, "day_is_not_in_the_future")}


def test_an_old_bar_sent_again_is_held() -> None:
    frame = rows("IBM", FIRST, LAST)
    again = frame.slice(frame.height - 2, 1).with_columns(pl.lit(LAST).alias("session"))
    stale = pl.concat([frame.head(-1), again])

    assert rules_at(judged(stale), LAST) == {"bar_is_not_stale"}


def test_an_expected_symbol_without_a_bar_is_held_as_missing() -> None:
    frame = sample().filter(pl.col("session").is_between(FIRST, LAST))
    frame = frame.filter(~((pl.col("symbol") == "GOOG") & (pl.col("session") == LAST)))

    judgement = judged(frame, expected=SYMBOLS)

    assert errors(judgement) == {("GOOG", LAST, "bar_arrived")}
    verdict = judgement.verdicts.filter(symbol="GOOG", session=LAST).row(0, named=True)
    assert (verdict["status"], verdict["checks"], verdict["checks_passed"]) == ("held", 1, 0)


def test_a_symbol_is_not_missing_before_its_first_day() -> None:
    frame = sample().filter(pl.col("session").is_between(date(2012, 5, 1), date(2012, 5, 31)))
    stated = pl.DataFrame({"symbol": ["FB"], "from_session": [date(2012, 5, 18)]})

    assert errors(judged(frame, expected=SYMBOLS)) == set()
    assert errors(judged(frame, expected=stated)) == set()


def test_a_bad_tick_never_becomes_the_measure_of_the_next_bar() -> None:
    at = date(2012, 6, 28)
    names = ("open", "high", "low", "close")
    frame = planted(rows("IBM", FIRST, LAST), at, **{name: pl.col(name) * 1.6 for name in names})

    assert {session for _, session, _ in errors(judged(frame))} == {at}


def test_five_sessions_that_agree_are_believed() -> None:
    names = ("open", "high", "low", "close")
    later = pl.col("session") >= date(2012, 6, 1)
    frame = rows("IBM", FIRST, LAST).with_columns(
        pl.when(later).then(pl.col(n) * 0.75).otherwise(pl.col(n)).alias(n) for n in names
    )

    judgement = judged(frame)

    assert judgement.held.height == 5
    assert judgement.by_rule()["new_level_is_believed"] == 1


def test_judging_session_by_session_gives_what_judging_at_once_gives() -> None:
    names = ("open", "high", "low", "close")
    later = pl.col("session") >= date(2012, 6, 1)
    frame = rows("IBM", FIRST, date(2012, 6, 20)).with_columns(
        pl.when(later).then(pl.col(n) * 0.75).otherwise(pl.col(n)).alias(n) for n in names
    )
    at_once = judged(frame)

    statuses: list[str] = []
    for session in frame["session"]:
        past = frame.filter(pl.col("session") < session).with_columns(
            pl.Series("trusted", [s == "passed" for s in statuses], dtype=pl.Boolean)
        )
        today = judged(frame.filter(pl.col("session") == session), previous=past)
        statuses.append(today.verdicts["status"][0])

    assert statuses == at_once.verdicts["status"].to_list()


@settings(max_examples=25, deadline=None)
@given(
    cut=st.integers(20, 120),
    factor=st.floats(0.02, 50.0),
    seed=st.integers(0, 10_000),
)
def test_later_rows_never_change_an_earlier_judgement(cut: int, factor: float, seed: int) -> None:
    frame = rows("GOOG", FIRST, LAST).with_columns(
        pl.when(pl.int_range(pl.len()) == cut)
        .then(pl.col("close") * factor)
        .otherwise(pl.col("close"))
        .alias("close")
    )
    whole = judged(frame.sample(fraction=1.0, shuffle=True, seed=seed))
    part = judged(frame.head(cut))

    assert whole.verdicts.head(cut).equals(part.verdicts)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_and_repeats_changes_nothing(seed: int) -> None:
    frame = planted(rows("GOOG", FIRST, LAST), LAST, close=pl.lit(6.0))
    doubled = pl.concat([frame, frame.sample(10, seed=seed)]).sample(
        fraction=1.0, shuffle=True, seed=seed
    )

    once, again = judged(frame), judged(doubled)

    assert once.passed.sort("session").equals(again.passed.sort("session"))
    assert errors(once) == errors(again)


def test_the_count_of_checks_is_the_count_of_those_that_ran() -> None:
    judgement = judged(rows("IBM", date(2012, 7, 2), LAST), actions=None)

    first, second = judgement.verdicts["checks"].to_list()
    # The first bar has nothing before it, so no rule that compares has run.
    comparing = {
        "unit_is_right", "jump_is_no_unknown_split", "move_is_explained", "level_is_explained",
        "new_level_is_believed", "move_is_usual", "range_is_explained", "bar_is_not_stale",
        "volume_is_usual", "prices_are_new", "identity_is_continuous", "liquid_share_was_traded",
        "volume_is_in_shares", "bar_is_of_its_symbol",
    }  # fmt: skip
    unasked = {
        "day_is_not_in_the_future", "split_shows_in_price", "split_ratio_is_not_inverted",
        "dividend_shows_in_price", "close_does_not_revert_alone", "dates_are_in_step",
        "rows_are_in_order", "trading_was_not_interrupted",
    }  # fmt: skip
    assert second == len(RULES) - len(unasked)
    assert first == second - len(comparing)
    assert judgement.verdicts["checks_passed"].to_list() == [first, second]


def test_a_delivery_without_a_column_says_which() -> None:
    with pytest.raises(UnreadableDeliveryError, match="missing: volume"):
        judged(sample().drop("volume"))


def test_a_delivery_of_text_says_what_to_convert() -> None:
    with pytest.raises(UnreadableDeliveryError, match=r"bars\.close"):
        judged(sample().head(3).with_columns(pl.lit("n/a").alias("close")))


def test_the_same_defect_has_the_same_id_each_time() -> None:
    frame = planted(rows("AAPL", FIRST, LAST), LAST, close=pl.lit(59.94))

    assert [f.finding_id for f in judged(frame).findings] == [
        f.finding_id for f in judged(frame).findings
    ]


def test_every_rule_says_what_it_means_and_why() -> None:
    names = [rule.name for rule in RULES]

    assert len(names) == len(set(names))
    assert all(rule.meaning.endswith(".") and rule.reason.endswith(".") for rule in RULES)


def test_the_worst_session_is_the_one_with_the_largest_held_share() -> None:
    verdicts = pl.DataFrame({
        "symbol": ["A", "B", "A", "B"],
        "session": [FIRST, FIRST, LAST, LAST],
        "status": ["passed", "passed", "passed", "held"],
    })  # fmt: skip

    worst = worst_session(verdicts)

    assert (worst.session, worst.held, worst.share) == (LAST, 1, 0.5)
