"""Who may be bought after each session, and why not the others."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from sqlalchemy import Engine

from adapters.market_data import earnings
from assets.desk_time import decision_time, market_now
from assets.features import daily_features
from assets.partitions import SESSIONS, as_session
from config.settings import Settings
from config.universe import Universe
from quality.calendar import exchange
from quant.features import DAILY
from trading.broker import Broker
from trading.eligibility import Measures, judge
from trading.errors import BrokerUnavailableError
from warehouse import Warehouse, bars, eligibility, features
from warehouse import universe as memberships

_FEATURES = {
    "dollar_volume": "log_dollar_volume_21",
    "spread": "corwin_schultz_21",
    "volatility": "volatility_63",
}
_Reports = Mapping[str, tuple[date, ...]]


@dg.asset(
    deps=[daily_features],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="decisions",
    kinds={"duckdb"},
    owners=["team:desk"],
    name="eligibility",
)
def eligibility_asset(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    broker: dg.ResourceParam[Broker],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """Liquidity, spread, volatility and tier of each symbol; eligible or not, with the reasons."""
    sessions = [as_session(key) for key in context.partition_keys]
    reports = _reports(settings, universe)
    # What can be borrowed is known of now, not of a past session that is computed again.
    newest = exchange().last_closed(market_now(ledger))
    shortable = _shortable(broker, universe.names) if newest in sessions else {}
    frames = []
    for session in sessions:
        lent = shortable if session == newest else {}
        frames.append(_judged(warehouse, universe, session, reports, lent))
    frame = pl.concat(frames)
    with warehouse.writer("market.eligibility") as conn:
        eligibility.record(conn, frame)
    return dg.MaterializeResult(metadata=_metadata(frame, sessions[-1]))


def _reports(settings: Settings, universe: Universe) -> _Reports:
    named = universe.eligibility.earnings
    return earnings.calendar(Path(settings.home) / named) if named else {}


def _shortable(broker: Broker, symbols: Sequence[str]) -> dict[str, bool]:
    try:
        told = {symbol: broker.asset(symbol) for symbol in symbols}
    except BrokerUnavailableError:
        return {}  # a column without a value; orders ask for themselves
    return {symbol: asset.shortable for symbol, asset in told.items() if asset is not None}


def _judged(
    warehouse: Warehouse,
    universe: Universe,
    session: date,
    reports: _Reports,
    shortable: Mapping[str, bool],
) -> pl.DataFrame:
    known = _measures(warehouse, universe, session, reports)
    rows = []
    for symbol, measures in known.items():
        standing = judge(measures, universe.eligibility, minimum_history=universe.minimum_history)
        rows.append(
            {
                "universe": universe.name,
                "symbol": symbol,
                "session": session,
                "eligible": standing.eligible,
                "tier": str(standing.tier),
                "reasons": json.dumps(standing.reasons),
                "sessions": measures.sessions,
                "close": measures.close,
                "dollar_volume": measures.dollar_volume,
                "spread": measures.spread,
                "volatility": measures.volatility,
                "volatility_bucket": standing.volatility_bucket,
                "shortable": shortable.get(symbol),
                "market_cap": None,  # none of the sources gives it
                "next_earnings": measures.next_earnings,
                "known_at": decision_time(session),
            }
        )
    return pl.DataFrame(rows, schema=eligibility.SCHEMA)


def _measures(
    warehouse: Warehouse, universe: Universe, session: date, reports: _Reports
) -> dict[str, Measures]:
    as_of, names = decision_time(session), universe.names
    with warehouse.reader() as conn:
        last = bars.ohlcv(conn, names, session, session, as_of=as_of)
        counted = bars.session_counts(conn, names, exchange().days[0], session, as_of=as_of)
        stored = _stored(features.matrix(conn, DAILY.version, names, session, session, as_of=as_of))
        members = memberships.members(conn, universe.name, session, session, as_of=as_of)
    belongs = set(members["symbol"])
    closes = dict(last.select("symbol", "close").iter_rows())
    return {
        symbol: Measures(
            sessions=counted[symbol],
            close=closes.get(symbol),
            is_member=symbol in belongs,
            next_earnings=_barring(reports.get(symbol, ()), session, universe),
            **stored.get(symbol, dict.fromkeys(_FEATURES)),
        )
        for symbol in names
    }


def _stored(found: tuple[pl.DataFrame, Any]) -> dict[str, dict[str, float | None]]:
    """Return the stored features by symbol; the logarithm of dollars as dollars."""
    rows, values = found
    places = {name: DAILY.names.index(feature) for name, feature in _FEATURES.items()}
    told = {}
    for symbol, row in zip(rows["symbol"], values, strict=True):
        figures = {name: float(row[place]) for name, place in places.items()}
        figures["dollar_volume"] = math.exp(figures["dollar_volume"])
        told[symbol] = {n: v if math.isfinite(v) else None for n, v in figures.items()}
    return told


def _barring(days: Sequence[date], session: date, universe: Universe) -> date | None:
    """Return the report too close to an entry in the session after `session`."""
    rules, calendar = universe.eligibility, exchange()
    entry = first = last = calendar.next(session)
    for _ in range(rules.blackout_after):
        first = calendar.previous(first)
    for _ in range(rules.blackout_before):
        last = calendar.next(last)
    near = [day for day in days if first <= day <= last]
    return min(near, key=lambda day: abs(day - entry)) if near else None


def _metadata(frame: pl.DataFrame, session: date) -> dict[str, Any]:
    newest = frame.filter(pl.col("session") == session)
    tiers = Counter(newest["tier"])
    return {
        "dagster/row_count": frame.height,
        "session": str(session),
        "eligible": int(newest["eligible"].sum()),
        "core": tiers["core"],
        "extended": tiers["extended"],
        "reasons": dg.MetadataValue.md(_table(newest)),
    }


def _table(newest: pl.DataFrame) -> str:
    lines = ["| symbol | tier | reasons |", "| --- | --- | --- |"]
    for symbol, tier, reasons in newest.select("symbol", "tier", "reasons").head(50).iter_rows():
        lines.append(f"| {symbol} | {tier} | {' '.join(json.loads(reasons))} |")
    return "\n".join(lines)
