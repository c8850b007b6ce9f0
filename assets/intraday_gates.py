"""Judge the intraday rules on the minutes that are stored: their record, trials and gates."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import dagster as dg
import numpy as np
import polars as pl
from sqlalchemy import Engine

from assets.absolute import cash_rates, over_cash
from assets.beside_gates import counted_trials
from assets.desk_time import decision_time, market_now
from assets.intraday import (
    closing_of,
    minute_panel,
    regular_minutes,
    reversion_name,
    reversion_rules,
    with_the_session,
)
from assets.judging import (
    Earned,
    Market,
    market_of,
    sharpes_by_regime,
    worst_regime,
)
from assets.material import EPOCH
from assets.models import history_of
from assets.rule_gates import (
    FEWEST,
    Judged,
    RuleTrial,
    evidence_of_record,
    overfitting_of,
    trial_of,
)
from assets.strategies import Told, model_asked, model_is_clean, store_judged, told_of
from assets.training import History
from config.gates import Gates
from config.settings import Settings
from config.universe import Universe
from quality.calendar import exchange
from quant.features.minutes import MinutePanel
from quant.gates import Evidence, evidence_of_trades, judge
from quant.performance import BETA_KNOWN_AFTER, judged_returns
from quant.strategies import ReversionRules, mean_reversion
from quant.typing import BoolArray, FloatArray, Int32Array
from warehouse import Warehouse, evidence, minutes

_CAPITAL = 100_000.0  # USD
_CUTS = (0.4, 0.6, 0.8)  # of a session: what was wanted by then must not know the rest
_CUT_SESSIONS = 3
# Neighbours that anyone who chose the rules may have looked at; each is a trial.
_ENTRIES = (1.5, 2.0, 2.5)
_OVERSOLD = (25.0, 30.0)


@dataclass(frozen=True)
class Minutes:
    """The minutes of a session and of the one before it, as the rules look at them."""

    session: date
    panel: MinutePanel
    closing: Int32Array
    allowed: BoolArray | None
    simulated: bool

    @property
    def number(self) -> int:
        """Days of the session since 1970-01-01."""
        return (self.session - EPOCH).days

    def until(self, share: float) -> tuple["Minutes", BoolArray]:
        """Return what was known after a share of the session, and which bars that is."""
        panel, last = self.panel, int(self.closing.max())
        mine = panel.sessions == self.number
        opening = int(panel.minutes[mine].min())
        kept = ~mine | (panel.minutes < opening + share * (last - opening))
        counts = np.add.reduceat(kept, panel.offsets[:-1], dtype=np.int64)
        columns = ("sessions", "minutes", "open", "high", "low", "close", "volume")
        known = replace(
            panel,
            offsets=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
            **{name: getattr(panel, name)[kept] for name in columns},
        )
        allowed = None if self.allowed is None else self.allowed[kept]
        return replace(self, panel=known, closing=self.closing[kept], allowed=allowed), kept


@dataclass
class _Tally:
    """What one variant earned, session by session, as shares of its equity."""

    net: list[float] = field(default_factory=list)
    gross: list[float] = field(default_factory=list)
    profits: list[FloatArray] = field(default_factory=list)

    def add(self, told: Minutes, rules: ReversionRules) -> None:
        trades = mean_reversion(
            told.panel, told.closing, rules=rules, allowed=told.allowed, capital=_CAPITAL
        ).trades
        mine = told.panel.sessions[trades.left] == told.number
        before_costs = trades.shares * (trades.exit_price - trades.entry_price)
        self.net.append(float(trades.profit[mine].sum()) / _CAPITAL)
        self.gross.append(float(before_costs[mine].sum()) / _CAPITAL)
        self.profits.append(trades.profit[mine])


@dataclass(frozen=True)
class MinuteRecord:
    """What following the rules through the stored minutes came to.

    ``net`` and ``gross`` hold a row per variant and begin with row ``first`` of the market's
    sessions; one whose minutes are missing was not traded: it earned nothing.
    """

    first: int
    net: FloatArray
    gross: FloatArray
    profits: FloatArray  # of the closed trades of the rules themselves
    sessions: tuple[date, ...]  # that had minutes
    simulated: bool
    known_in_time: bool | None  # None without a session


def recorded(
    days: Iterable[Minutes], calendar: Int32Array, variants: Sequence[ReversionRules]
) -> MinuteRecord:
    """Follow every variant through the sessions in order; `calendar` are the market's sessions."""
    tallies = [_Tally() for _ in variants]
    newest: deque[Minutes] = deque(maxlen=_CUT_SESSIONS)
    lived: list[date] = []
    simulated = False
    for told in days:
        newest.append(told)
        lived.append(told.session)
        simulated |= told.simulated
        for tally, rules in zip(tallies, variants, strict=True):
            tally.add(told, rules)
    places = np.searchsorted(calendar, [(day - EPOCH).days for day in lived])
    first = int(places[0]) if lived else calendar.size

    def laid(values: list[float]) -> FloatArray:
        series: FloatArray = np.zeros(calendar.size - first)
        series[places - first] = values
        return series

    return MinuteRecord(
        first=first,
        net=np.array([laid(tally.net) for tally in tallies]),
        gross=np.array([laid(tally.gross) for tally in tallies]),
        profits=np.concatenate([np.empty(0), *tallies[0].profits]),
        sessions=tuple(lived),
        simulated=simulated,
        known_in_time=all(wanted_without_future(one, variants[0]) for one in newest)
        if newest
        else None,
    )


def judged_reversion(
    record: MinuteRecord,
    market: Market,
    variants: Sequence[ReversionRules],
    *,
    asked: Mapping[str, object] | None,
    subject: str,
    history: History,
    thresholds: dict[str, float],
    least_variance: float,
    clean_model: bool | None,
    point_in_time: bool,
) -> Judged:
    """Judge the rules as swing's are: their own record, deflated by every variant tried.

    Until the record has a trailing beta and a ratio the variants are no trials, as nobody has
    seen a score, and what follows from returns is unknown. What is judged is no fit: each
    combinatorial path of a rule is the record itself. `asked` is as for `trial_of`.
    """
    sessions = market.closes.shape[0]
    span = slice(min(record.first + BETA_KNOWN_AFTER, sessions), sessions)
    trials: tuple[RuleTrial, ...] = ()
    earned = Evidence()
    if sessions - span.start >= FEWEST:
        hold = market.held(slice(None))[record.first :]
        actives = [judged_returns(net, hold) for net in record.net]
        trials = tuple(
            trial_of(one, active, subject, asked=asked)
            for one, active in zip(variants, actives, strict=True)
        )
        mine = Earned(record.net[0], actives[0], record.profits, span)
        earned = replace(
            evidence_of_record(mine.active, trials, history, least_variance),
            overfitting_probability=overfitting_of(list(record.gross)),
            combinatorial_sharpe=trials[0].score,
            regime_stability=worst_regime(sharpes_by_regime(market, mine)),
        )
    n_closed, won = evidence_of_trades(record.profits)
    found = replace(
        earned,
        leakage_probes=clean_model if record.known_in_time else record.known_in_time,
        trades=n_closed if record.sessions else None,
        hit_rate=won,
        universe_point_in_time=point_in_time,
        real_data=not record.simulated if record.sessions else None,
    )
    nothing = np.empty((0, market.closes.shape[1]))
    return Judged(
        subject, span.start, trials, found, judge(found, thresholds), slice(0, 0), nothing
    )


def variants_of(rules: ReversionRules) -> tuple[ReversionRules, ...]:
    """Return the rules, then their neighbours: the distances and strengths one would try."""
    near = (
        replace(rules, entry=entry, oversold=oversold)
        for entry in _ENTRIES
        for oversold in _OVERSOLD
        if entry > rules.exit
    )
    return tuple(dict.fromkeys((rules, *near)))


def wanted_without_future(told: Minutes, rules: ReversionRules) -> bool:
    """Return whether minutes that are cut off change nothing that was wanted before them."""
    whole = _wanted(told, rules)
    parts = ((_wanted(known, rules), kept) for known, kept in map(told.until, _CUTS))
    return all(np.array_equal(then, whole[kept]) for then, kept in parts)


def stored_minutes(
    warehouse: Warehouse, universe: Universe, told: Told, sessions: Sequence[date]
) -> Iterator[Minutes]:
    """Yield the minutes of each session with those of the one before, as known that evening."""
    before: tuple[date | None, pl.DataFrame] = (None, pl.DataFrame())
    for session in sessions:
        previous = exchange().previous(session)
        with warehouse.reader() as conn:
            own, earlier = (
                before[1]
                if day == before[0]
                else regular_minutes(conn, universe, day, as_of=decision_time(session))
                for day in (session, previous)
            )
        before = session, own
        both = with_the_session(pl.concat((earlier, own)), session)
        if both.is_empty():  # only outside the exchange's hours
            continue
        panel = minute_panel(both)
        yield Minutes(
            session=session,
            panel=panel,
            closing=closing_of(panel),
            allowed=_allowed(told, panel, previous),
            simulated=bool(both["simulated"].any()),
        )


@dg.asset(
    deps=["trained_model", "minute_bars"],
    group_name="models",
    kinds={"numba", "duckdb"},
    owners=["team:research"],
)
def intraday_gates(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
    gates: dg.ResourceParam[Gates],
) -> dg.MaterializeResult[None]:
    """What every gate says of the intraday rules where they are on; their trials count too."""
    if settings.strategies.reversion == "off":
        return dg.MaterializeResult(metadata={"strategies": "none is on"})
    session = exchange().last_closed(market_now(ledger))
    filtered = settings.strategies.reversion_filter
    told = told_of(warehouse, settings, universe, session, filtered=filtered)
    variants = variants_of(reversion_rules(settings))
    name = reversion_name(settings)
    record = recorded(
        stored_minutes(warehouse, universe, told, _sessions(warehouse, universe, told, session)),
        told.panel.index_sessions,
        variants,
    )
    judged = judged_reversion(
        record,
        market_of(told.panel),
        variants,
        asked=model_asked(settings) if filtered else None,
        subject=f"{universe.programme}/{name}",
        history=history_of(warehouse, universe),
        thresholds={gate: float(asked.threshold) for gate, asked in gates.gates.items()},
        least_variance=float(gates.deflation.least_variance),
        clean_model=model_is_clean(warehouse, told),
        point_in_time=universe.point_in_time,
    )
    store_judged(warehouse, universe, told, judged, name)
    beside: dict[str, object] = {
        "trials": counted_trials(warehouse, universe, told.panel.index_sessions),
        "minutes": _told(record),
        **_over_cash(record, cash_rates(warehouse, told.panel.index_sessions)),
    }
    warehouse.write(lambda conn: evidence.store(conn, name, beside), "models.evidence")
    met = sum(verdict.passed for verdict in judged.verdicts)
    context.log.info(f"{name}: {met} of {len(judged.verdicts)} gates met")
    return dg.MaterializeResult(
        metadata={
            "strategies": name,
            "gates_met": f"{met} of {len(judged.verdicts)}",
            "trials": len(judged.trials),
            "sessions_with_minutes": len(record.sessions),
            "judged_to": str(session),
        }
    )


def _wanted(told: Minutes, rules: ReversionRules) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    return mean_reversion(told.panel, told.closing, rules=rules, allowed=told.allowed).wanted


def _allowed(told: Told, panel: MinutePanel, previous: date) -> BoolArray | None:
    """Where members were, and the model agreed if asked, after the close before."""
    if told.allowed is None:
        return None
    days, number = told.panel.index_sessions, (previous - EPOCH).days
    row = int(np.searchsorted(days, number))
    known = row < days.size and days[row] == number
    agreed = dict(zip(told.panel.symbols, told.allowed[row].tolist(), strict=True)) if known else {}
    said = np.array([agreed.get(symbol, False) for symbol in panel.symbols], dtype=np.bool_)
    return np.repeat(said, np.diff(panel.offsets))


def _sessions(warehouse: Warehouse, universe: Universe, told: Told, last: date) -> Sequence[date]:
    """Sessions that have minutes, of those the market has daily bars of."""
    days = told.panel.index_sessions
    if not days.size:
        return ()
    first = EPOCH + timedelta(days=int(days[0]))
    with warehouse.reader() as conn:
        found = minutes.sessions(conn, universe.names, first, last, as_of=decision_time(last))
    known = set(days.tolist())
    return [day for day in found if (day - EPOCH).days in known]


def _over_cash(record: MinuteRecord, rates: FloatArray) -> dict[str, object]:
    """Return the absolute figures of the sessions judged: flat by the close, all lies in cash."""
    returns = record.net[0, BETA_KNOWN_AFTER:]
    return over_cash(returns, np.ones(returns.size), rates[record.first + BETA_KNOWN_AFTER :])


def _told(record: MinuteRecord) -> dict[str, object]:
    """What people are told of the record, as plain data."""
    if not record.sessions:
        return {"sessions": 0}
    return {
        "sessions": len(record.sessions),
        "first": str(record.sessions[0]),
        "last": str(record.sessions[-1]),
        "trades": int(record.profits.size),
        "net_return": float(record.net[0].sum()),
        "simulated": record.simulated,
    }
