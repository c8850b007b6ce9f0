"""Intraday rules are judged as swing's are: on what was lived, by every variant, unknown fails."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from assets.intraday_gates import (
    MinuteRecord,
    Minutes,
    judged_reversion,
    recorded,
    variants_of,
    wanted_without_future,
)
from assets.judging import Market
from assets.material import EPOCH
from assets.rule_gates import Judged
from assets.training import History
from config import gates as gates_module
from quant.features.minutes import MinutePanel
from quant.strategies import ReversionRules, mean_reversion, session_profits

RULES = ReversionRules(position=0.2)
OPEN, CLOSE, BARS = 570, 660, 90  # a session of ninety minutes
FIRST = date(2012, 1, 2)
THRESHOLDS = {name: float(gate.threshold) for name, gate in gates_module.load().gates.items()}


def days_of(n_sessions: int, *, seed: int = 3, simulated: bool = False) -> list[Minutes]:
    """Sessions of two symbols whose prices are drawn back to where they were."""
    rng = np.random.default_rng(seed)
    prices = np.zeros((2, n_sessions * BARS + 1))
    for i in range(1, prices.shape[1]):
        prices[:, i] = 0.9 * prices[:, i - 1] + 0.002 * rng.standard_t(4, 2)
    prices = 100.0 * np.exp(prices)
    days = []
    for n in range(n_sessions):
        first = max(0, n - 1)
        span = slice(first * BARS, (n + 1) * BARS)
        body = np.stack((prices[:, :-1][:, span], prices[:, 1:][:, span]))
        sessions = np.repeat(np.arange(first, n + 1), BARS) + (FIRST - EPOCH).days
        panel = MinutePanel(
            symbols=("A", "B"),
            offsets=np.array([0, 1, 2], dtype=np.int64) * sessions.size,
            sessions=np.tile(sessions, 2).astype(np.int32),
            minutes=np.tile(OPEN + np.arange(sessions.size) % BARS, 2).astype(np.int32),
            open=body[0].ravel(),
            high=body.max(axis=0).ravel(),
            low=body.min(axis=0).ravel(),
            close=body[1].ravel(),
            volume=np.full(2 * sessions.size, 1e6),
        )
        closing = np.full(panel.n_rows, CLOSE, dtype=np.int32)
        days.append(Minutes(FIRST + timedelta(days=n), panel, closing, None, simulated))
    return days


CALENDAR = (np.arange(-5, 95) + (FIRST - EPOCH).days).astype(np.int32)  # five without minutes
DAYS = days_of(80)


@pytest.fixture(scope="module", name="record")
def _record() -> MinuteRecord:
    return recorded(DAYS, CALENDAR[:85], variants_of(RULES))


def market(n_sessions: int) -> Market:
    closes = 50.0 * np.exp(
        np.cumsum(np.random.default_rng(8).normal(0.0, 0.01, (n_sessions, 2)), axis=0)
    )
    return Market(closes, closes, np.full(closes.shape, 1e6), first_ordinal=0)


def judged(record: MinuteRecord, n_sessions: int = 85, **changed: object) -> Judged:
    asked: dict[str, object] = {
        "asked": None, "subject": "toy/reversion", "thresholds": THRESHOLDS,
        "history": History(configurations=frozenset(), sharpes={}), "least_variance": 1.0,
        "clean_model": True, "point_in_time": False,
    }  # fmt: skip
    return judged_reversion(record, market(n_sessions), variants_of(RULES), **(asked | changed))  # type: ignore[arg-type]


def test_the_rules_and_five_neighbours_are_followed(record: MinuteRecord) -> None:
    assert variants_of(RULES)[0] == RULES
    assert len(variants_of(RULES)) == 6  # three distances, two strengths; RULES among them
    assert record.net.shape == record.gross.shape == (6, 80)
    assert (record.first, len(record.sessions)) == (5, 80)
    assert record.known_in_time is True


def test_each_session_earns_what_the_rules_earn_in_it(record: MinuteRecord) -> None:
    whole = DAYS[40]
    trades = mean_reversion(whole.panel, whole.closing, rules=RULES).trades
    days, earned = session_profits(trades, whole.panel.sessions, capital=100_000.0)

    assert record.net[0, 40] == pytest.approx(earned[days == whole.number][0])
    assert (record.gross >= record.net - 1e-15).all()  # costs are never a gain
    assert record.profits.sum() == pytest.approx(100_000.0 * record.net[0].sum())
    assert record.profits.size > 0


def test_a_session_without_minutes_earned_nothing() -> None:
    gone = recorded([DAYS[n] for n in (0, 1, 4)], CALENDAR[:12], (RULES,))

    assert gone.net.shape == (1, 7)
    assert gone.net[0, [2, 3, 5, 6]].tolist() == [0.0] * 4
    assert len(gone.sessions) == 3


def test_a_record_of_a_quarter_makes_every_variant_a_trial(record: MinuteRecord) -> None:
    told = judged(record)
    verdicts = {verdict.name: verdict for verdict in told.verdicts}

    assert len({trial.configuration_hash for trial in told.trials}) == 6
    assert {trial.returns.size for trial in told.trials} == {80 - 63}
    assert told.first_row == 5 + 63
    assert told.evidence.deflated_sharpe is not None
    assert told.evidence.trades == record.profits.size
    assert verdicts["real_data"].passed
    assert verdicts["leakage_probes"].passed
    assert verdicts["regime_stability"].value is None  # no year was lived in any market
    assert not verdicts["regime_stability"].passed


def test_a_short_record_makes_no_trial_and_tells_trades_alone() -> None:
    told = judged(recorded(DAYS[:20], CALENDAR[:25], variants_of(RULES)), 25)

    assert told.trials == ()
    assert told.evidence.walk_forward_sharpe is None
    assert told.evidence.trades is not None
    assert {v.name for v in told.verdicts if v.passed} <= {
        "leakage_probes", "real_data", "hit_rate", "trades",
    }  # fmt: skip


def test_nothing_is_known_without_minutes() -> None:
    told = judged(recorded([], CALENDAR[:85], variants_of(RULES)))

    assert told.trials == ()
    assert not any(verdict.passed for verdict in told.verdicts)


def test_simulated_minutes_fail_whatever_they_show() -> None:
    told = judged(recorded(days_of(3, simulated=True), CALENDAR[:8], variants_of(RULES)), 8)

    assert not next(v for v in told.verdicts if v.name == "real_data").passed


@pytest.mark.parametrize("clean", [None, False])
def test_a_model_that_filters_must_be_free_of_leaks_too(
    record: MinuteRecord, *, clean: bool | None
) -> None:
    assert judged(record, clean_model=clean).evidence.leakage_probes is clean


def test_minutes_that_know_the_rest_of_the_session_are_found_out() -> None:
    class Knowing(Minutes):
        """Minutes whose lows know the close: another number once less of it is known."""

        def until(self, share: float) -> tuple[Minutes, np.ndarray]:
            known, kept = super().until(share)
            panel = known.panel
            spoilt = replace(panel, close=panel.close * 0.97, low=panel.low * 0.97)
            return replace(known, panel=spoilt), kept

    assert wanted_without_future(DAYS[7], RULES)
    assert not wanted_without_future(Knowing(**vars(DAYS[7])), RULES)


def test_the_rules_begin_nothing_where_the_model_did_not_agree() -> None:
    none = [replace(day, allowed=np.zeros(day.panel.n_rows, dtype=np.bool_)) for day in DAYS[:9]]

    record = recorded(none, CALENDAR[:14], (RULES,))

    assert record.profits.size == 0
    assert not record.net.any()
