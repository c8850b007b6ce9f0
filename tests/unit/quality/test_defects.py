"""The labelled defect benchmark, a small part of it: enough to see a rule go blind or wild."""

import pytest

from benchmarks.defects import actions, daily, market, minute, options
from benchmarks.defects.scores import (
    Score,
    action_scores,
    daily_scores,
    minute_scores,
    option_scores,
)
from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.model import Severity


def recall(scores: dict[str, Score]) -> float:
    return sum(s.found for s in scores.values()) / sum(s.plants for s in scores.values())


def test_planted_defects_of_daily_bars_are_found() -> None:
    scores = daily_scores(3, planters=daily.PLANTERS, seed=7)

    assert recall(scores) >= 0.95
    assert sum(s.false for s in scores.values()) / sum(s.clean for s in scores.values()) < 1e-3


def test_planted_defects_of_minutes_are_found() -> None:
    scores = minute_scores(2, planters=minute.PLANTERS, seed=7)

    assert recall(scores) >= 0.95
    assert sum(s.false for s in scores.values()) == 0


def test_planted_defects_of_quotes_and_of_actions_are_found() -> None:
    quotes = option_scores(1, planters=options.PLANTERS, seed=8)
    records = action_scores(1, planters=actions.PLANTERS, seed=8)

    assert sum(s.rows_found for s in quotes.values()) >= 0.9 * sum(s.rows for s in quotes.values())
    assert recall(records) >= 0.8
    assert sum(s.false for s in (*quotes.values(), *records.values())) <= 2


@pytest.mark.parametrize("symbol", ["AAPL", "FB", "GOOG", "IBM", "MSFT"])
def test_each_real_symbol_alone_and_without_an_index_passes(symbol: str) -> None:
    bars = market.real().filter(symbol=symbol)

    judgement = judge_daily(bars, calendar=exchange(), actions=market.splits(), whole_file=True)

    assert [f for f in judgement.findings if f.severity is Severity.ERROR] == []
