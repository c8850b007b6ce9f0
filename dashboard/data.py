"""Everything the pages read, cached for a moment and bounded; nothing here writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import sqlalchemy as sa
import streamlit as st

import ledger
import warehouse
from assets.standing import standing_now
from config import alerts as alerts_file
from config import limits as limits_file
from config import settings as settings_file
from config import universe as universe_file
from config.alerts import BuiltInRules
from config.limits import Limits
from config.settings import Settings
from config.universe import Universe
from ledger import alert_deliveries as deliveries
from ledger import alert_rules as made_rules
from ledger import alerts as stored_alerts
from ledger import feeds, filed, market, pages, people, requests, splits, state, steps
from ledger import position_corrections as stored_corrections
from ledger.position_corrections import Differing
from ledger.prices import price_now
from quant.gates import Standing
from trading.alerting import Rule
from warehouse import accounts as stored_accounts
from warehouse import eligibility as stored_eligibility
from warehouse import evidence, intraday, portfolio, restated, shadow
from warehouse import pages as shown

# Live figures are read once a second for all people who look, slower ones every few seconds.
LIVE = 1
SLOW = 5
CALM = 60


def now() -> datetime:
    """Wall-clock time: for ages and rows that people write, never for market questions."""
    return datetime.now(tz=UTC)


@st.cache_data(ttl=20, max_entries=1, show_spinner=False)
def settings() -> Settings:
    """The desk's settings; ports and addresses appear as the supervisor writes them."""
    return settings_file.load()


@st.cache_data(ttl=CALM, max_entries=1, show_spinner=False)
def limits() -> Limits:
    """The limits file."""
    return limits_file.load()


@st.cache_data(ttl=CALM, max_entries=1, show_spinner=False)
def universe() -> Universe:
    """The universe file."""
    return universe_file.load()


@st.cache_resource(max_entries=2, show_spinner=False)
def _engine(dsn: str) -> sa.Engine:
    return ledger.engine(dsn, pool_size=8)


def engine() -> sa.Engine:
    """The ledger's engine."""
    return _engine(settings().database.url("desk"))


@contextmanager
def asked() -> Iterator[sa.Connection]:
    """A connection to the ledger for reading."""
    with engine().connect() as conn:
        yield conn


@st.cache_resource(max_entries=2, show_spinner=False)
def _warehouse(dsn: str) -> warehouse.Warehouse:
    return warehouse.connect(settings(), read_only=True)


@contextmanager
def stored() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the warehouse for reading, on one snapshot."""
    with _warehouse(settings().database.url("desk")).reader() as conn:
        yield conn


@st.cache_data(ttl=LIVE, max_entries=1, show_spinner=False)
def desk() -> pages.Desk:
    """Clock, account, trading state and counts."""
    with asked() as conn:
        return pages.desk(conn)


@st.cache_data(ttl=LIVE, max_entries=1, show_spinner=False)
def start_up() -> list[steps.Step]:
    """The steps of the latest start."""
    with asked() as conn:
        return steps.latest(conn)


@st.cache_data(ttl=LIVE, max_entries=4, show_spinner=False)
def proposals(states: tuple[str, ...] = ("open",), limit: int = 60) -> tuple[pages.Proposal, ...]:
    """Proposals in these states, in the order of making."""
    with asked() as conn:
        return pages.proposals(conn, states=states, limit=limit)


@st.cache_data(ttl=LIVE, max_entries=64, show_spinner=False)
def proposals_by_code(codes: tuple[str, ...]) -> tuple[pages.Proposal, ...]:
    """These proposals, whatever their state."""
    with asked() as conn:
        return pages.proposals_by_code(conn, codes)


@st.cache_data(ttl=CALM, max_entries=64, show_spinner=False)
def replaced(proposal_id: str) -> pages.Proposal | None:
    """The proposal whose place this one took."""
    with asked() as conn:
        return pages.replaced(conn, by=proposal_id)


@st.cache_data(ttl=LIVE, max_entries=64, show_spinner=False)
def replacing(proposal_id: str) -> pages.Proposal | None:
    """The proposal that took the place of this one."""
    with asked() as conn:
        return pages.replacing(conn, old=proposal_id)


@st.cache_data(ttl=LIVE, max_entries=64, show_spinner=False)
def orders(proposal_id: str | None = None, limit: int = 200) -> tuple[pages.Order, ...]:
    """Orders, newest first."""
    with asked() as conn:
        return pages.orders(conn, proposal_id=proposal_id, limit=limit)


@st.cache_data(ttl=LIVE, max_entries=2, show_spinner=False)
def fills(limit: int = 200) -> tuple[pages.Fill, ...]:
    """Fills, newest first."""
    with asked() as conn:
        return pages.fills(conn, limit=limit)


@st.cache_data(ttl=LIVE, max_entries=1, show_spinner=False)
def positions() -> dict[str, market.Position]:
    """Holdings by symbol."""
    with asked() as conn:
        return market.latest_positions(conn)


def stored_bytes(code: str) -> bytes:
    """The bytes of a proposal as they lie in the ledger, read anew at every call."""
    with asked() as conn:
        found = filed.by_code(conn, code)
    return b"" if found is None else found.content


@st.cache_data(ttl=LIVE, max_entries=1, show_spinner=False)
def quotes() -> dict[str, market.Quote]:
    """Last quotes by symbol."""
    with asked() as conn:
        return market.latest_quotes(conn)


@st.cache_data(ttl=LIVE, max_entries=60, show_spinner=False)
def price(symbol: str) -> Decimal | None:
    """What a share costs now, as the checks take it, USD."""
    with asked() as conn:
        return price_now(conn, symbol, limits=limits())


@st.cache_data(ttl=SLOW, max_entries=3, show_spinner=False)
def equity(environment: str, account_id: str) -> list[market.EquityPoint]:
    """An account's closes, oldest first."""
    with asked() as conn:
        return market.equity_curve(conn, environment=environment, account_id=account_id)


@st.cache_data(ttl=LIVE, max_entries=8, show_spinner=False)
def requested(kinds: tuple[str, ...], last: int = 5) -> list[requests.Request]:
    """What people asked for lately."""
    with asked() as conn:
        return requests.latest(conn, kinds=kinds, last=last)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def alerts() -> tuple[pages.Alert, ...]:
    """Open alerts, newest first."""
    with asked() as conn:
        return pages.alerts(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def lasting_alerts() -> list[stored_alerts.Alert]:
    """Conditions that people acknowledged and that last."""
    with asked() as conn:
        return stored_alerts.lasting(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def alert_deliveries() -> list[deliveries.Delivery]:
    """The newest messages that left the desk, or failed to."""
    with asked() as conn:
        return deliveries.latest(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def alert_rules() -> list[Rule]:
    """Rules that people made."""
    with asked() as conn:
        return made_rules.active(conn)


@st.cache_data(ttl=CALM, max_entries=1, show_spinner=False)
def built_in_rules() -> BuiltInRules:
    """The rules every desk watches."""
    return alerts_file.load()


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def state_changes() -> list[state.StateEvent]:
    """Changes of the trading state, newest first."""
    with asked() as conn:
        return state.history(conn, last=10)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def daily_run() -> pages.DailyRun | None:
    """The daily run of the newest session."""
    with asked() as conn:
        return pages.latest_daily_run(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def reconciliation() -> pages.Reconciliation | None:
    """The last comparison of broker and ledger."""
    with asked() as conn:
        return pages.latest_reconciliation(conn)


@st.cache_data(ttl=LIVE, max_entries=1, show_spinner=False)
def differing() -> list[Differing]:
    """Positions of which ledger and broker hold different shares; none while they agree."""
    with asked() as conn:
        compared = pages.latest_reconciliation(conn)
        if compared is None or compared.clean:  # a fill may be told before its position is
            return []
        return stored_corrections.differing(conn, market.latest_positions(conn))


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def signatories() -> list[people.Person]:
    """Active people who may sign."""
    with asked() as conn:
        return people.signatories(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def names() -> dict[str, str]:
    """Display names by person id."""
    with asked() as conn:
        return pages.names(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def decisions() -> pl.DataFrame:
    """What was decided for each symbol after the newest session."""
    with stored() as conn:
        return shown.decisions(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def predictions() -> pl.DataFrame:
    """Live predictions of the newest session."""
    with stored() as conn:
        return shown.predictions(conn, programme=universe().programme)


@st.cache_data(ttl=CALM, max_entries=8, show_spinner=False)
def version(model_version: str | None = None) -> pl.DataFrame:
    """A model version's newest state; unsaid, of the universe's newest."""
    with stored() as conn:
        if model_version is None:
            return shown.newest_version(conn, programme=universe().programme)
        return shown.version(conn, model_version=model_version)


@st.cache_data(ttl=SLOW, max_entries=8, show_spinner=False)
def standing(model_version: str) -> Standing:
    """What a model version's state counts for at the market's time."""
    clock = desk().clock
    # Before the market's clock was heard the wall's is never behind it: a waiver ends too early.
    at = now() if clock is None else clock.now
    with stored() as conn:
        told = shown.version(conn, model_version=model_version).row(0, named=True)
        return standing_now(conn, told, settings(), at=at)


@st.cache_data(ttl=CALM, max_entries=8, show_spinner=False)
def gates(model_version: str) -> pl.DataFrame:
    """A model version's gates."""
    with stored() as conn:
        return shown.gates(conn, model_version=model_version)


@st.cache_data(ttl=CALM, max_entries=8, show_spinner=False)
def records(model_version: str) -> pl.DataFrame:
    """How a version's matured forecasts did, in whole and in parts."""
    with stored() as conn:
        return evidence.records(conn, model_version)


@st.cache_data(ttl=CALM, max_entries=8, show_spinner=False)
def model_evidence(model_version: str) -> dict[str, Any]:
    """What stands beside a version's gates."""
    with stored() as conn:
        return evidence.latest(conn, model_version)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def signals() -> pl.DataFrame:
    """Target weights of the newest session, by strategy."""
    with stored() as conn:
        return portfolio.latest_signals(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def intraday_signals() -> pl.DataFrame:
    """What the intraday rules wanted after the newest minute they had."""
    with stored() as conn:
        return intraday.latest(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def feed_trouble() -> str | None:
    """Why intraday data must not be acted on now; None when it may be."""
    with asked() as conn:
        return feeds.trouble(conn, desk_at=now())


@st.cache_data(ttl=CALM, max_entries=1, show_spinner=False)
def live_score() -> tuple[int, float | None]:
    """How many live predictions have matured, and their hit rate."""
    with stored() as conn:
        return shown.live_score(conn, programme=universe().programme)


@st.cache_data(ttl=SLOW, max_entries=4, show_spinner=False)
def verdicts(sessions: int = 40) -> pl.DataFrame:
    """Verdicts on daily bars, symbol by session."""
    with stored() as conn:
        return shown.verdicts(conn, sessions=sessions)


@st.cache_data(ttl=SLOW, max_entries=32, show_spinner=False)
def verdict(symbol: str, session: date) -> pl.DataFrame:
    """The verdict on one daily bar."""
    with stored() as conn:
        return shown.verdict(conn, symbol=symbol, session=session)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def eligibility() -> pl.DataFrame:
    """Who may be bought after the newest session, and why not the others."""
    with stored() as conn:
        return stored_eligibility.latest(conn)


@st.cache_data(ttl=CALM, max_entries=1, show_spinner=False)
def restatements() -> pl.DataFrame:
    """The newest corrections of daily bars."""
    with stored() as conn:
        return restated.latest(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def findings() -> pl.DataFrame:
    """The newest findings."""
    with stored() as conn:
        return shown.findings(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def quarantine() -> pl.DataFrame:
    """Quarantined rows in their latest state."""
    with stored() as conn:
        return shown.quarantine(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def reports() -> pl.DataFrame:
    """The newest quality report of each suite."""
    with stored() as conn:
        return shown.reports(conn)


@st.cache_data(ttl=CALM, max_entries=64, show_spinner=False)
def closes(symbol: str, last: date, day: date, sessions: int = 120) -> pl.DataFrame:
    """Closes of a symbol until `last`, in USD per share as shares are counted on `day`.

    A split of the days between is not in the warehouse before its own close; the broker's
    booking of it is.
    """
    with stored() as conn:
        found = shown.closes(conn, symbol=symbol, last=last, as_of=now(), sessions=sessions)
    with asked() as conn:
        made = splits.new_for_each(conn, symbol, after=last, until=day)
    return found.with_columns(pl.col("close") / float(made))


@st.cache_data(ttl=CALM, max_entries=32, show_spinner=False)
def around(symbol: str, session: date) -> pl.DataFrame:
    """Daily bars around a session."""
    with stored() as conn:
        return shown.around(conn, symbol=symbol, session=session)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def risk_figures() -> pl.DataFrame:
    """Risk figures of the newest session."""
    with stored() as conn:
        return shown.risk_figures(conn)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def shadow_cases() -> pl.DataFrame:
    """Every decided leg and what it would have earned, as known now."""
    with stored() as conn:
        return shadow.cases(conn, as_of=now())


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def shadow_figures() -> pl.DataFrame:
    """What decisions earned, of the newest session."""
    with stored() as conn:
        return shadow.latest_figures(conn)


@st.cache_data(ttl=SLOW, max_entries=8, show_spinner=False)
def accounts(table: str) -> pl.DataFrame:
    """The newest session's rows of one of the portfolio's accounts."""
    with stored() as conn:
        return stored_accounts.latest(conn, table)


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def closings() -> pl.DataFrame:
    """Every lot, or part of one, that was closed."""
    return _every("portfolio.closings")


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def cash_days() -> pl.DataFrame:
    """The cash ledger."""
    return _every("portfolio.cash_days")


@st.cache_data(ttl=SLOW, max_entries=1, show_spinner=False)
def day_reports() -> pl.DataFrame:
    """The end-of-day reports."""
    return _every("portfolio.day_reports")


def _every(table: str) -> pl.DataFrame:
    with stored() as conn:
        return stored_accounts.between(conn, table, date.min, date.max, as_of=now())
