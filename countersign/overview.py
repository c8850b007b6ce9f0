"""Where a desk stands: its processes, the market, trading, and what waits."""

import contextlib
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from config import settings as configuration
from config.settings import Settings
from countersign.processes import children, homes
from countersign.processes.homes import Home

_MARKET = "select now, session, is_open, state, hold_reason, pace, replay from desk.market_clock"
_TRADING = "select state, reason, set_by, set_at from desk.trading_state"
_PROPOSALS = "select state, count(*) from desk.proposals group by 1 order by 1"
_ORDERS = "select state, count(*) from desk.orders group by 1 order by 1"
_REQUESTS = "select state, count(*) from desk.requests group by 1 order by 1"
_ALERTS = "select 'open', count(*) from desk.alerts where acknowledged_at is null"
_BEATS = "select process, build, extract(epoch from now() - beat_at)::int from desk.heartbeats"
_FEED = """
select tags, extract(epoch from now() - updated_at)::int as seconds_ago
from desk.runs where run_id = 'minute feed'
"""
# DuckLake's own tally: opening the warehouse would take longer than all the rest.
_FINDINGS = """
select t.table_name, s.record_count
from ducklake.ducklake_table t join ducklake.ducklake_table_stats s using (table_id)
where t.table_name in ('findings', 'quarantine') and t.end_snapshot is null
"""


@dataclass(frozen=True)
class Overview:
    """Plain values, ready for JSON or a table."""

    facts: dict[str, Any]

    @property
    def is_running(self) -> bool:
        """Whether a supervisor keeps this desk."""
        return self.facts["supervisor"] is not None


def of(home: Home) -> Overview:
    """Return where the desk in `home` stands; what cannot be asked is None."""
    state = homes.read(home.state)
    pid = homes.supervisor_pid(home)
    facts: dict[str, Any] = {
        "home": str(home.root),
        "supervisor": {"pid": pid, "phase": state.get("phase")} if pid else None,
        "processes": [_process(name, noted) for name, noted in state.get("processes", {}).items()],
        "market": None,
        "trading": None,
        "feed": None,
        "counts": None,
        "beats": None,
    }
    settings = configuration.load()
    if settings.database.dsn:
        facts |= _from_ledger(settings)
    return Overview(facts)


def _process(name: str, noted: dict[str, Any]) -> dict[str, Any]:
    alive = children.is_alive(noted.get("pid") or 0, noted.get("created") or 0)
    keys = ("address", "restarts", "since", "detail")
    return {
        "name": name,
        "pid": noted.get("pid") if alive else None,
        "state": noted["state"] if alive or noted["state"] in {"backoff", "failed"} else "gone",
        **{key: noted.get(key) for key in keys},
    }


def _from_ledger(settings: Settings) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    with (
        contextlib.suppress(psycopg.Error),
        psycopg.connect(
            settings.database.url("desk"), autocommit=True, connect_timeout=2
        ) as connection,
    ):
        facts["market"] = _row(connection, _MARKET)
        facts["trading"] = _row(connection, _TRADING)
        facts["feed"] = _row(connection, _FEED)
        facts["counts"] = {
            "proposals": _tally(connection, _PROPOSALS),
            "orders": _tally(connection, _ORDERS),
            "requests": _tally(connection, _REQUESTS),
            "alerts": _tally(connection, _ALERTS),
            "quality": _tally(connection, _FINDINGS),
        }
        facts["beats"] = {
            str(name): {"build": build, "seconds_ago": age}
            for name, build, age in _rows(connection, _BEATS)
        }
    return facts


def _rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    """Return the rows, none when the table is not there yet."""
    try:
        return connection.execute(query.encode()).fetchall()
    except psycopg.errors.UndefinedTable:
        return []


def _row(connection: psycopg.Connection[Any], query: str) -> dict[str, Any] | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        try:
            return cursor.execute(query.encode()).fetchone()
        except psycopg.errors.UndefinedTable:
            return None


def _tally(connection: psycopg.Connection[Any], query: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in _rows(connection, query)}
