"""From a raw object to a proposal, on real bars of 2010 to 2012; nothing here is mocked."""

from datetime import date

import polars as pl
import pytest

from adapters.market_data import sample
from assets.desk_time import decision_time
from tests.integration.pipelines.small import FIRST, LAST, NEXT, SmallDesk

TRADED = ["AAPL", "GOOG", "IBM", "MSFT"]
# The whole pipeline runs in the fixtures; a busy machine needs minutes for it.
pytestmark = [pytest.mark.timeout(900), pytest.mark.long]

# Sessions of FB from its first (2012-05-18) to LAST: 9 in May, 21 in June, 1 in July.
FB_SESSIONS = 9 + 21 + 1

_FEATURES = "select * exclude recorded_at from features.daily where session <= $until order by all"
_SAID = (
    "select * exclude (recorded_at, snapshot_id) from models.predictions "
    "where session <= $until and kind = 'live' order by all"
)
_JUDGED = """
select symbol, session, status, checks, checks_passed from quality.verdicts
qualify row_number() over (partition by symbol, session order by recorded_at desc) = 1
order by symbol, session
"""
_DECIDED = (
    "select * exclude recorded_at from portfolio.decisions where session <= $until order by all"
)


@pytest.fixture(scope="module", name="decided")
def _decided(desk: SmallDesk) -> SmallDesk:
    """The desk after the daily run of LAST."""
    desk.run("decide", LAST)
    return desk


@pytest.fixture(scope="module", name="next_day")
def _next_day(decided: SmallDesk) -> tuple[SmallDesk, dict[str, pl.DataFrame]]:
    """One session later, with a close of IBM at ten times its price; and what was known before."""
    before = research(decided)
    bars = sample.stocks().filter(pl.col("session") == NEXT)
    wrong = pl.col("symbol") == "IBM"
    decided.land(
        bars.with_columns(
            pl.when(wrong).then(pl.col(name) * 10.0).otherwise(pl.col(name)).alias(name)
            for name in ("high", "close")
        ),
        "daily",
    )
    decided.land(sample.index_bars().filter(pl.col("session") == NEXT), "index")
    decided.close(NEXT)
    decided.run("decide", NEXT)
    return decided, before


def research(desk: SmallDesk) -> dict[str, pl.DataFrame]:
    """What research says of the sessions up to LAST."""
    queries = {"features": _FEATURES, "predictions": _SAID, "decisions": _DECIDED}
    return {name: desk.table(query, until=LAST) for name, query in queries.items()}


def test_every_delivered_bar_is_in_the_warehouse_unchanged(decided: SmallDesk) -> None:
    delivered = sample.stocks().filter(pl.col("session").is_between(FIRST, LAST))
    stored = decided.table(
        "select symbol, session, open, high, low, close, volume from market.daily_bars "
        "where session <= $until order by symbol, session",
        until=LAST,
    )

    assert stored.equals(delivered.drop("sample_adjusted").cast({"volume": pl.Int64}))


def test_every_symbol_is_decided_on_and_says_why(decided: SmallDesk) -> None:
    decisions = decided.decisions(LAST)

    assert set(decisions) == {*TRADED, "FB"}
    assert all(told["sentence"].endswith(".") for told in decisions.values())


def test_a_new_listing_says_how_much_history_it_lacks(decided: SmallDesk) -> None:
    told = decided.decisions(LAST)["FB"]

    assert told["outcome"] == "none"
    assert told["sentence"] == f"{FB_SESSIONS} sessions of history, 252 needed."
    assert FB_SESSIONS == 31


def test_what_can_be_borrowed_is_told_of_the_newest_session_alone(decided: SmallDesk) -> None:
    told = decided.table("select distinct session, shortable from market.eligibility")

    assert {session for session, lent in told.iter_rows() if lent is not None} == {LAST}


def test_what_is_proposed_is_what_the_signal_wanted(decided: SmallDesk) -> None:
    wanted = decided.table(
        "select symbol from portfolio.signals "
        "where session = $s and target_weight > 0 and strategy = 'model swing'",
        s=LAST,
    )
    told = decided.decisions(LAST)
    proposed = {symbol for symbol in told if told[symbol]["outcome"] == "proposed"}

    assert proposed == set(wanted["symbol"]), told
    assert proposed == {symbol for symbol, session, *_ in decided.proposals() if session == LAST}


def test_each_prediction_was_known_after_the_close_and_by_a_model_known_then(
    decided: SmallDesk,
) -> None:
    told = decided.table("select * from models.predictions where kind = 'live'")
    trained = decided.table("select trained_at from models.versions")["trained_at"][0]

    assert sorted(told["symbol"]) == TRADED
    assert (told["known_at"] == decision_time(LAST)).all()
    assert trained <= decision_time(LAST)


def test_a_walk_forward_prediction_stands_for_every_tested_row_once(decided: SmallDesk) -> None:
    walked = decided.table("select symbol, session from models.predictions where kind <> 'live'")

    assert walked.height > 0
    assert walked.is_unique().all()


def test_an_untested_model_is_a_challenger_and_its_proposals_are_advisory(
    decided: SmallDesk,
) -> None:
    gates = decided.table(
        "select gate, passed, sentence from models.gates "
        "where model_version in (select model_version from models.versions)"
    )
    version = decided.table("select status from models.versions")

    assert gates.height == 12
    assert not gates["passed"].all()
    assert version["status"].to_list() == ["challenger"]


def test_a_classical_strategy_is_judged_and_signals_and_proposes_nothing(
    decided: SmallDesk,
) -> None:
    name = "swing trend with model"
    gates = decided.table("select * from models.gates where model_version = $n", n=name)
    said = decided.table("select * from portfolio.signals where strategy = $n", n=name)

    assert gates.height == 12
    assert not gates["passed"].all()
    assert sorted(said["symbol"]) == sorted([*TRADED, "FB"])
    assert said["target_weight"].is_between(0.0, 0.05).all()


def test_what_stands_beside_the_gates_is_kept_with_the_version(decided: SmallDesk) -> None:
    [version] = decided.table("select model_version from models.versions")["model_version"]
    told = decided.table("select kind from models.evidence where model_version = $v", v=version)
    records = decided.table(
        "select kind, part from models.records where model_version = $v", v=version
    )

    assert set(told["kind"]) == {"capacity", "shortfall", "trials", "features", "policy"}
    assert set(records["kind"]) == {"walk_forward"}  # nothing live has matured
    assert {"all", "symbol"} <= set(records["part"])


def test_the_same_session_run_twice_changes_no_row_of_any_table(decided: SmallDesk) -> None:
    rows, proposals, before = decided.rows(), decided.proposals(), research(decided)

    decided.run("decide", LAST)

    assert decided.rows() == rows
    assert decided.proposals() == proposals
    assert all(told.equals(before[name]) for name, told in research(decided).items())


def test_a_range_is_the_same_as_its_sessions_one_by_one(decided: SmallDesk) -> None:
    rows, judged = decided.rows(), decided.table(_JUDGED)

    for session in (date(2012, 6, 28), date(2012, 6, 29), LAST):
        decided.run("backfill", session)

    # A value that differed by one bit would have been added as a new version of its row. Each
    # delivery has a report of its own, and verdicts name the newest.
    single = decided.rows()
    assert {name for name in rows if rows[name] != single[name]} <= {
        "quality.reports",
        "quality.verdicts",
    }
    assert decided.table(_JUDGED).equals(judged)


@pytest.mark.parametrize("job", ["backfill", "decide"])
def test_a_session_that_has_not_closed_is_refused_by_name(decided: SmallDesk, job: str) -> None:
    far = date(2012, 12, 3)

    done = decided.run(job, far, fails=True)

    failure = next(e for e in done.all_events if e.is_step_failure)
    said = str(failure.event_specific_data)
    assert f"the first is {far}" in said
    assert "Choose a range up to it." in said
    assert not decided.decisions(far)


def test_a_symbol_with_a_wrong_bar_is_held_back_and_the_others_go_on(
    next_day: tuple[SmallDesk, dict[str, pl.DataFrame]],
) -> None:
    desk, _ = next_day
    told = desk.decisions(NEXT)

    assert told["IBM"]["outcome"] == "none"
    assert told["IBM"]["reason_code"] == "data_held_back"
    others = {told[s]["sentence"]: told[s]["reason_code"] for s in TRADED if s != "IBM"}
    assert set(others.values()) <= {"signal", "no_signal"}, others
    assert "IBM" not in {symbol for symbol, session, *_ in desk.proposals() if session == NEXT}


def test_a_wrong_bar_is_in_quarantine_and_in_no_table_of_bars(
    next_day: tuple[SmallDesk, dict[str, pl.DataFrame]],
) -> None:
    desk, _ = next_day
    where = {"symbol": "IBM", "session": NEXT}
    held = desk.table(
        "select status from quality.quarantine where symbol = $symbol and session = $session",
        **where,
    )
    bars = desk.table(
        "select * from market.daily_bars where symbol = $symbol and session = $session", **where
    )

    assert held["status"].to_list() == ["held"]
    assert bars.is_empty()


def test_later_sessions_change_nothing_that_was_known_before(
    next_day: tuple[SmallDesk, dict[str, pl.DataFrame]],
) -> None:
    desk, before = next_day

    desk.run("backfill", date(2012, 6, 25), LAST)
    desk.run("decide", LAST)  # a day late: what was decided in its time stands

    after = research(desk)
    for name, told in before.items():
        assert after[name].equals(told), name
