"""Who may be bought after each session, and why not the others."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from sqlalchemy import Engine

from adapters.market_data import earnings, fundamentals
from adapters.market_data.earnings import Calendar
from adapters.object_store.protocol import ObjectStore
from assets.capitals import capitals
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
from warehouse import Warehouse, adjustment, bars, eligibility, features
from warehouse import universe as memberships

_FEATURES = {
    "dollar_volume": "log_dollar_volume_21",
    "spread": "corwin_schultz_21",
    "volatility": "volatility_63",
}


@dataclass(frozen=True)
class Told:
    """What a person's tables say of firms, and the broker of borrowing."""

    reports: Calendar
    firms: pl.DataFrame  # from `adapters.market_data.fundamentals`
    shortable: Mapping[date, Mapping[str, bool]]  # by session, of those that were asked about

    def reports_known(self, session: date) -> Mapping[str, tuple[date, ...]]:
        """Return the reports by symbol that whoever decided on a session could know.

        A calendar found before the next open can still keep the desk from entering there.
        """
        return self.reports.known(
            as_of=decision_time(session),
            found_before=exchange().open(exchange().next(session)),
        )


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
    store: dg.ResourceParam[ObjectStore],
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    broker: dg.ResourceParam[Broker],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """Liquidity, spread, volatility and tier of each symbol; eligible or not, with the reasons."""
    sessions = [as_session(key) for key in context.partition_keys]
    now = market_now(ledger)
    shortable = _shortable_before(warehouse, universe, sessions)
    # What can be borrowed is known of now, not of a past session that is computed again.
    if (newest := exchange().last_closed(now)) in sessions:
        shortable[newest] = _shortable(broker, universe.names) or shortable.get(newest, {})
    told = Told(
        _reports(store, settings, universe, market_at=now), _firms(settings, universe), shortable
    )
    frame = pl.concat([_judged(warehouse, universe, session, told) for session in sessions])
    with warehouse.writer("market.eligibility") as conn:
        eligibility.record(conn, frame)
    return dg.MaterializeResult(metadata=_metadata(frame, sessions[-1]))


def _reports(
    store: ObjectStore, settings: Settings, universe: Universe, *, market_at: datetime
) -> Calendar:
    named = universe.eligibility.earnings
    if not named:
        return Calendar()
    return earnings.calendar(store, Path(settings.home) / named, market_at=market_at)


def _firms(settings: Settings, universe: Universe) -> pl.DataFrame:
    named = universe.eligibility.fundamentals
    return fundamentals.table(Path(settings.home) / named) if named else fundamentals.none()


def _shortable_before(
    warehouse: Warehouse, universe: Universe, sessions: Sequence[date]
) -> dict[date, Mapping[str, bool]]:
    """Return what the broker said when the sessions were decided on."""
    with warehouse.reader() as conn:
        stored = eligibility.known(
            conn, universe.name, sessions[0], sessions[-1], as_of=decision_time(sessions[-1])
        )
    found: dict[date, dict[str, bool]] = {}
    for session, symbol, lent in stored.select("session", "symbol", "shortable").iter_rows():
        if lent is not None:
            found.setdefault(session, {})[symbol] = lent
    return dict(found)


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
    told: Told,
) -> pl.DataFrame:
    known = _measures(warehouse, universe, session, told)
    closes = {symbol: measures.close for symbol, measures in known.items()}
    worth = capitals(warehouse, told.firms, closes, session)
    shortable = told.shortable.get(session, {})
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
                "market_cap": worth.get(symbol),
                "next_earnings": measures.next_earnings,
                "known_at": decision_time(session),
            }
        )
    return pl.DataFrame(rows, schema=eligibility.SCHEMA)


def _measures(
    warehouse: Warehouse, universe: Universe, session: date, told: Told
) -> dict[str, Measures]:
    as_of, names = decision_time(session), universe.names
    reports = told.reports_known(session)
    with warehouse.reader() as conn:
        last = bars.ohlcv(conn, names, session, session, as_of=as_of)
        counted = adjustment.session_counts(conn, names, exchange().days[0], session, as_of=as_of)
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
        "market_value_known": int(newest["market_cap"].is_not_null().sum()),
        "reasons": dg.MetadataValue.md(_table(newest)),
    }


def _table(newest: pl.DataFrame) -> str:
    lines = ["| symbol | tier | market value, USD | reasons |", "| --- | --- | --- | --- |"]
    shown = newest.select("symbol", "tier", "market_cap", "reasons").head(50)
    for symbol, tier, worth, reasons in shown.iter_rows():
        value = "no source" if worth is None else f"{worth:,.0f}"
        lines.append(f"| {symbol} | {tier} | {value} | {' '.join(json.loads(reasons))} |")
    return "\n".join(lines)
