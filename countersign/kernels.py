"""Compile the numeric kernels ahead: after an installation, so that no first run waits for them.

`./desk` names a folder for the machine code after what the sources say, so that a change of any of
them compiles everything anew.
"""

import sys
from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from adapters.market_data import generated
from quality.calendar import Calendar, exchange
from quality.rules.daily import judge_daily
from quality.rules.minute import judge_minutes
from quant.backtest import backtest
from quant.features import DailyPanel, MinutePanel, daily_features, minute_features
from quant.labels import forward_excess
from quant.models.learners import Checked
from quant.models.trees import Check, Trees
from quant.strategies.bars import Bars
from quant.strategies.swing import SwingRules, swing

_FIRST, _LAST = date(2010, 1, 4), date(2011, 12, 30)
_SYMBOLS = 4


def compile_all(progress: Callable[[str], None]) -> None:
    """Run every kernel once, on a small made-up market."""
    calendar = exchange()
    market = generated.market(calendar.sessions(_FIRST, _LAST), symbols=_SYMBOLS, seed=1)
    progress("rules")
    _rules(market, calendar)
    progress("features")
    panel = _panel(market.daily)
    daily_features(panel)
    minute_features(_minutes(panel))
    progress("labels and strategies")
    _labels(panel)
    _strategies()
    progress("backtest and models")
    _backtest()
    _models()


def _rules(market: generated.GeneratedMarket, calendar: Calendar) -> None:
    session = market.daily["session"].max()
    assert isinstance(session, date)
    last = market.daily.filter(pl.col("session") == session)
    opens_at = pl.Series([calendar.open(session)] * last.height)
    minutes = generated.minutes(last, opens_at, seed=1)
    for whole_file in (False, True):
        judge_daily(
            market.daily, calendar=calendar, index=market.index, actions=None, whole_file=whole_file
        )
        # Of a whole file the minutes are thin: then the others' moves tell the market.
        rows = minutes.gather_every(7) if whole_file else minutes
        judge_minutes(rows, calendar=calendar, whole_file=whole_file)


def _panel(daily: pl.DataFrame) -> DailyPanel:
    rows = daily.sort("symbol", "session")
    counts = rows.group_by("symbol", maintain_order=True).len()
    figures = {
        name: rows[name].cast(pl.Float64).to_numpy()
        for name in ("open", "high", "low", "close", "volume")
    }
    ones = np.ones(rows.height)
    return DailyPanel(
        symbols=tuple(counts["symbol"]),
        offsets=np.concatenate([[0], np.cumsum(counts["len"].to_numpy())]).astype(np.int64),
        sessions=rows["session"].to_physical().to_numpy().astype(np.int32),
        split_factor=ones,
        return_factor=ones,
        index_sessions=np.empty(0, dtype=np.int32),
        index_close=np.empty(0),
        **figures,
    )


def _minutes(panel: DailyPanel) -> MinutePanel:
    """Return a session's bars: the figures do not matter, their types do."""
    n = min(390, int(panel.offsets[1]))
    return MinutePanel(
        symbols=panel.symbols[:1],
        offsets=np.array([0, n], dtype=np.int64),
        sessions=np.full(n, panel.sessions[0], dtype=np.int32),
        minutes=np.arange(n, dtype=np.int32),
        open=panel.open[:n],
        high=panel.high[:n],
        low=panel.low[:n],
        close=panel.close[:n],
        volume=panel.volume[:n],
    )


def _labels(panel: DailyPanel) -> None:
    benchmark = np.full(int(panel.sessions.max()) + 1, 10.0)
    forward_excess(panel.open, benchmark, panel.offsets, panel.sessions, horizon=5)


def _strategies() -> None:
    rng = np.random.default_rng(1)
    closes = 10.0 + rng.random((300, 2)).cumsum(axis=0)
    bars = Bars(closes, closes + 0.5, closes - 0.5, closes, np.full_like(closes, 1e6))
    swing(bars, rules=SwingRules())


def _backtest() -> None:
    prices = np.full((5, 2), 10.0)
    backtest(prices, prices, np.full((5, 2), 1e6), np.full((5, 2), 0.1))


def _models() -> None:
    ones = np.ones(1, dtype=np.float32)
    leaf = np.full(1, -1, dtype=np.int32)
    trees = Trees(np.array([0, 1]), leaf, leaf, leaf, ones, np.zeros(1, dtype=np.uint8))
    Check(Checked(ones[:, None], ones, ones), base_rate=0.5).losses(trees)


def main() -> None:
    """Say what is being compiled."""

    def told(what: str) -> None:
        sys.stdout.write(f"Compiling the kernels of the {what} …\n")
        sys.stdout.flush()

    compile_all(told)


if __name__ == "__main__":
    main()
