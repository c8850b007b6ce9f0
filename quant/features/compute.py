"""Features of a panel: the programs run in turn, per symbol, across symbols, per symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from quant.features.across import cross_section
from quant.features.daily import DAILY
from quant.features.expressions import Op, Series, given
from quant.features.panel import DailyPanel
from quant.features.program import Program, cross_levels, market_series, run, translate
from quant.features.registry import Registry
from quant.jit import in_parallel
from quant.typing import Float32Array, Float64Array, Int32Array, Int64Array


def daily_features(
    panel: DailyPanel, *, registry: Registry = DAILY, from_session: int | None = None
) -> Float32Array:
    """Return the features of every row of `panel`, or of its rows from one session on.

    Parameters
    ----------
    panel : DailyPanel
        Bars with at least `registry.exact_look_back` earlier rows per symbol if the values are to
        equal those of a longer panel to the bit (given the same factors).
    registry : Registry
        What to compute; columns in its order.
    from_session : int or None
        First session wanted, in days since 1970-01-01; None means all. Only as much history as
        the features need is looked at, and the values are those of the full computation.

    Returns
    -------
    array of shape (n_rows, n_features), float32
        Rows in the panel's order: all, or those with ``sessions >= from_session``. NaN where a
        feature has too little history or an input of its look-back is missing; never filled.
    """
    if from_session is not None:
        panel = panel.since(from_session, rows_before=registry.exact_look_back)
    plan = _plan(registry)
    return _Run(panel, plan).results(panel.firsts(from_session), from_session)


def explain_lookback(
    panel: DailyPanel, *, registry: Registry = DAILY, at_session: int | None = None
) -> dict[str, str]:
    """Say which symbols have too little history for some feature.

    Parameters
    ----------
    panel : DailyPanel
        The bars that are at hand.
    registry : Registry
        The features that are wanted.
    at_session : int or None
        Session of the decision, in days since 1970-01-01; sessions before it are history. None
        means the panel's last.

    Returns
    -------
    dict of str to str
        For each symbol that lacks history one line, such as "FB: 30 sessions of history, 252
        needed"; symbols with enough are left out.
    """
    if at_session is None:
        at_session = int(panel.sessions.max(initial=0))
    history = panel.firsts(at_session)
    needed = registry.max_look_back
    return {
        symbol: f"{symbol}: {count} sessions of history, {needed} needed"
        for symbol, count in zip(panel.symbols, history.tolist(), strict=True)
        if count < needed
    }


@dataclass(frozen=True)
class _Plan:
    market: tuple[Series, ...]
    market_program: Program
    levels: tuple[tuple[Series, ...], ...]
    level_programs: tuple[Program, ...]
    final: Program
    n_columns: int


@lru_cache(maxsize=16)
def _plan(registry: Registry) -> _Plan:
    outputs = [feature.expression for feature in registry]
    levels = tuple(tuple(level) for level in cross_levels(outputs))
    market = tuple(market_series(outputs))
    return _Plan(
        market=market,
        market_program=translate([], _arguments(market)),
        levels=levels,
        level_programs=tuple(translate([], _arguments(level)) for level in levels),
        final=translate(outputs),
        n_columns=len(outputs),
    )


def _arguments(nodes: Sequence[Series]) -> list[Series]:
    """What the operations work on, each once."""
    return list(dict.fromkeys(node.args[0] for node in nodes))


class _Run:
    """One pass over one panel: holds the series that later programs take as given."""

    def __init__(self, panel: DailyPanel, plan: _Plan) -> None:
        self._panel = panel
        self._plan = plan
        self._given: dict[Series, Float64Array] = {}  # by row of the panel
        self._by_day: dict[Series, Float64Array] = {}  # by day of the calendar from `_day_zero` on
        days = np.concatenate([panel.sessions, panel.index_sessions])
        self._day_zero = int(days.min()) if days.size else 0
        self._n_days = int(days.max(initial=self._day_zero)) - self._day_zero + 1
        self._by_day[given("index_close")] = self._on_days(panel.index_sessions, panel.index_close)

    def results(self, firsts: Int64Array, from_session: int | None) -> Float32Array:
        starts = self._level_starts(firsts, from_session)
        self._add_market()
        for level, program, start in zip(
            self._plan.levels, self._plan.level_programs, starts, strict=True
        ):
            self._add_cross_section(level, program, self._panel.firsts(start))
        lengths = np.diff(self._panel.offsets) - firsts
        out_offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        out = np.empty((int(out_offsets[-1]), self._plan.n_columns), dtype=np.float32)
        kept = np.empty((0, self._panel.n_rows))
        self._run(self._plan.final, firsts, out_offsets=out_offsets, out=out, kept=kept)
        return out

    def _level_starts(self, firsts: Int64Array, from_session: int | None) -> list[int | None]:
        """First session that each level of cross-sectional series is needed from."""
        starts: list[int | None] = [None] * len(self._plan.levels)
        if from_session is None:
            return starts
        consumers = [self._plan.final, *reversed(self._plan.level_programs)]
        sessions: list[int] = [from_session] * len(starts)
        at = from_session
        for i, program in enumerate(consumers[: len(starts)]):
            level = len(starts) - 1 - i
            needs = [
                need
                for leaf, need in zip(program.leaves, program.leaf_needs, strict=True)
                if leaf.op not in {Op.INPUT, Op.MARKET}
            ]
            at = self._earliest(self._panel.firsts(at), max(needs, default=0), at)
            sessions[level] = at
        return list(sessions)

    def _earliest(self, firsts: Int64Array, rows_before: int, at: int) -> int:
        begins = self._panel.offsets[:-1] + np.maximum(firsts - rows_before, 0)
        begins = begins[begins < self._panel.offsets[1:]]
        return min(at, int(self._panel.sessions[begins].min())) if begins.size else at

    def _add_market(self) -> None:
        panel, plan = self._panel, self._plan
        rows = panel.index_close.size
        arguments = _arguments(plan.market)
        kept = np.full((len(arguments), rows), np.nan)
        leaves = {
            "index_close": panel.index_close,
            "session": panel.index_sessions.astype(np.float64),
        }
        if plan.market and rows:
            run(
                plan.market_program,
                lambda leaf, wanted: leaves[leaf.name][wanted],
                times=panel.index_sessions,
                offsets=np.array([0, rows]),
                firsts=np.zeros(1, dtype=np.int64),
                out_offsets=np.zeros(2, dtype=np.int64),
                out=np.empty((0, 0), dtype=np.float32),
                kept=kept,
            )
        for node in plan.market:
            series = kept[arguments.index(node.args[0])]
            self._by_day[node] = self._on_days(panel.index_sessions, series)

    def _on_days(self, sessions: Int32Array, figures: Float64Array) -> Float64Array:
        days = np.full(self._n_days, np.nan)
        days[sessions - self._day_zero] = figures
        return days

    def _add_cross_section(
        self, level: Sequence[Series], program: Program, firsts: Int64Array
    ) -> None:
        panel = self._panel
        arguments = _arguments(level)
        kept = np.full((len(arguments), panel.n_rows), np.nan)
        empty = np.empty((0, 0), dtype=np.float32)
        self._run(program, firsts, out_offsets=np.zeros_like(panel.offsets), out=empty, kept=kept)
        member = np.ones(panel.n_rows, dtype=np.bool_) if panel.member is None else panel.member
        order, bounds = _by_session(panel.sessions)
        for node in level:
            values = kept[arguments.index(node.args[0])]
            ranks = node.op is Op.CROSS_RANK
            figures = np.empty(panel.n_rows if ranks else bounds.size - 1)
            work = partial(cross_section, values, member, order, bounds, int(node.op), figures)
            in_parallel(work, bounds)
            if ranks:
                self._given[node] = figures
            else:
                self._by_day[node] = self._on_days(panel.sessions[order[bounds[:-1]]], figures)

    def _run(
        self,
        program: Program,
        firsts: Int64Array,
        *,
        out_offsets: Int64Array,
        out: Float32Array,
        kept: Float64Array,
    ) -> None:
        panel = self._panel
        run(
            program,
            self._leaf,
            times=panel.sessions,
            offsets=panel.offsets,
            firsts=firsts,
            out_offsets=out_offsets,
            out=out,
            kept=kept,
        )

    def _leaf(self, leaf: Series, rows: slice) -> Float64Array:
        if leaf in self._by_day:
            figures: Float64Array = self._by_day[leaf][self._panel.sessions[rows] - self._day_zero]
            return figures
        if leaf in self._given:
            return self._given[leaf][rows]
        if leaf.name == "session":
            return self._panel.sessions[rows].astype(np.float64)
        values: Float64Array = getattr(self._panel, leaf.name)[rows]
        return values


def _by_session(sessions: Int32Array) -> tuple[Int64Array, Int64Array]:
    """Rows in the order of their sessions, and where each session begins among them."""
    order = np.argsort(sessions, kind="stable")
    begins = np.flatnonzero(np.concatenate([[True], np.diff(sessions[order]) != 0]))
    return order, np.concatenate([begins, [sessions.size]]).astype(np.int64)
