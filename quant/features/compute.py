"""Features of a panel: the programs run in turn, per symbol, across symbols, per symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from quant.features.across import cross_section, sector_means
from quant.features.daily import DAILY
from quant.features.expressions import Op, Series, given
from quant.features.leaves import ByDay, ByRow, Layout, Leaf
from quant.features.panel import ROW_COLUMNS, DailyPanel
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
    return _Run(panel, _plan(registry)).results(from_session)


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
        days = [panel.sessions, panel.index_sessions]
        known = [d for d in days if d.size]
        self._day_zero = min((int(d.min()) for d in known), default=0)
        self._n_days = max((int(d.max()) for d in known), default=0) - self._day_zero + 1
        rows = {name: ByRow(getattr(panel, name), panel.offsets) for name in ROW_COLUMNS}
        self._leaves: dict[Series, Leaf] = {given(name): leaf for name, leaf in rows.items()}
        day_numbers = self._day_zero + np.arange(self._n_days, dtype=np.float64)
        self._leaves[given("session")] = ByDay(day_numbers, self._day_zero)
        self._leaves[given("index_close")] = self._by_day(panel.index_sessions, panel.index_close)

    def results(self, from_session: int | None) -> Float32Array:
        plan = self._plan
        starts = self._starts(from_session)
        self._add_market()
        for level, program in zip(plan.levels, plan.level_programs, strict=True):
            self._add_cross_section(level, program, starts)
        layout = self._layout(plan.final, from_session)
        out = np.empty((int(layout.wanted[-1]), plan.n_columns), dtype=np.float32)
        run(plan.final, self._leaves, layout, out=out, kept=np.empty((0, out.shape[0])))
        return out

    def _layout(self, program: Program, from_session: int | None) -> Layout:
        panel = self._panel
        firsts = panel.firsts(from_session)
        begins = np.maximum(firsts - program.rows_before, 0)
        return Layout(panel.sessions, panel.offsets, begins, firsts)

    def _starts(self, from_session: int | None) -> dict[Series, int | None]:
        """First session that each cross-sectional series is needed from; None means all."""
        plan = self._plan
        nodes = [node for level in plan.levels for node in level]
        starts: dict[Series, int | None] = dict.fromkeys(nodes, from_session)
        if from_session is None:
            return starts
        self._reach_back(starts, plan.final, from_session)
        for level, program in reversed(list(zip(plan.levels, plan.level_programs, strict=True))):
            first = min(start for node in level if (start := starts[node]) is not None)
            self._reach_back(starts, program, first)
        return starts

    def _reach_back(self, starts: dict[Series, int | None], program: Program, first: int) -> None:
        """Move the starts of a program's leaves back to what its first session needs."""
        firsts = self._panel.firsts(first)
        for leaf, need in zip(program.leaves, program.leaf_needs, strict=True):
            start = starts.get(leaf)
            if start is not None:
                starts[leaf] = min(start, self._earliest(firsts, need, first))

    def _earliest(self, firsts: Int64Array, rows_before: int, at: int) -> int:
        begins = self._panel.offsets[:-1] + np.maximum(firsts - rows_before, 0)
        begins = begins[begins < self._panel.offsets[1:]]
        return min(at, int(self._panel.sessions[begins].min())) if begins.size else at

    def _add_market(self) -> None:
        panel, plan = self._panel, self._plan
        if not plan.market:
            return
        sessions = panel.index_sessions
        arguments = _arguments(plan.market)
        kept = np.full((len(arguments), sessions.size), np.nan)
        if sessions.size:
            none = np.zeros(1, dtype=np.int64)
            layout = Layout(sessions, np.array([0, sessions.size]), none, none)
            out = np.empty((sessions.size, 0), dtype=np.float32)
            run(plan.market_program, self._leaves, layout, out=out, kept=kept)
        for node in plan.market:
            series = kept[arguments.index(node.args[0])]
            self._leaves[node] = self._by_day(sessions, series)

    def _by_day(self, sessions: Int32Array, figures: Float64Array) -> ByDay:
        days = np.full(self._n_days, np.nan)
        days[sessions - self._day_zero] = figures
        return ByDay(days, self._day_zero)

    def _add_cross_section(
        self, level: Sequence[Series], program: Program, starts: Mapping[Series, int | None]
    ) -> None:
        panel = self._panel
        known = [start for node in level if (start := starts[node]) is not None]
        layout = self._layout(program, min(known) if known else None)
        arguments = _arguments(level)
        rows = layout.rows_wanted()
        kept = np.empty((len(arguments), rows.size))
        run(program, self._leaves, layout, out=np.empty((rows.size, 0), np.float32), kept=kept)
        member = np.ones(rows.size, np.bool_) if panel.member is None else panel.member[rows]
        sector = np.zeros(rows.size, np.int32) if panel.sector is None else panel.sector[rows]
        n_sectors = 1 + int(sector.max(initial=0))
        order, bounds, sessions = _by_session(panel.sessions[rows])
        for node in level:
            values = kept[arguments.index(node.args[0])]
            by_row = node.op in {Op.CROSS_RANK, Op.SECTOR_MEAN}
            figures = np.full(rows.size if by_row else sessions.size, np.nan)
            start = starts[node]
            skipped = 0 if start is None else int(np.searchsorted(sessions, start))
            target = figures if by_row else figures[skipped:]
            own = bounds[skipped:]
            if node.op is Op.SECTOR_MEAN:
                work = partial(sector_means, values, member, sector, n_sectors, order, own, target)
            else:
                work = partial(cross_section, values, member, order, own, int(node.op), target)
            in_parallel(work, own)
            leaf = ByRow(figures, layout.wanted) if by_row else self._by_day(sessions, figures)
            self._leaves[node] = leaf


def _by_session(sessions: Int32Array) -> tuple[Int64Array, Int64Array, Int32Array]:
    """Rows in the order of their sessions, where each session begins among them, and its day."""
    order = np.argsort(sessions, kind="stable")
    ordered = sessions[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    bounds = np.concatenate([begins, [sessions.size]]).astype(np.int64)
    return order, bounds, ordered[begins]
