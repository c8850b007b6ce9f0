"""One picture of the desk for the pre-trade checks, from ledger and warehouse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import polars as pl
import sqlalchemy as sa

from adapters.market_data.load import DEFAULT_LAG
from assets.desk_time import decision_time, market_now
from assets.standing import standing_now
from config.limits import Limits
from config.settings import Settings
from config.universe import Universe
from ledger import market, overrides, promised
from ledger.fills import losses_in_a_row
from ledger.situation import Situation, situation
from ledger.stop_risk import stop_risk
from quality.calendar import exchange
from quant.risk import beta
from quant.typing import FloatArray
from trading.broker import Broker, BrokerAsset
from trading.canonical import figure
from trading.checks.loss import FEWEST_RETURNS
from trading.clock import DeskClock
from trading.limits import effective
from trading.looking import quotes_now
from trading.picture import DataNow, ModelNow, Picture, QuoteNow
from warehouse import Warehouse, adjustment, bars, index, models, verdicts

_VOLUME_DAYS = 60  # calendar days that hold 20 sessions for sure
_RETURN_DAYS = 800  # calendar days that hold 504 sessions for sure
_RETURN_SESSIONS = 504  # two years, as in the risk figures
_NEW_YORK = ZoneInfo("America/New_York")
_PLACES = Decimal("0.0001")


def environment_of(settings: Settings) -> str:
    """Return how the ledger names what a desk trades on: replay, paper or live."""
    return "replay" if settings.mode == "embedded" else settings.mode


def limits_now(limits: Limits, ledger: sa.Engine, *, desk_at: datetime) -> Limits:
    """Return the configured limits with the overrides of the account that hold at `desk_at`.

    Raises
    ------
    OverrideError
        If an override makes no sense: nothing is sized or sent before it is corrected.
    """
    with ledger.connect() as conn:
        account = market.latest_account(conn)
        if account is None:
            return limits
        changed = overrides.active(conn, account_id=account.account_id, desk_at=desk_at)
    return effective(limits, changed, now=desk_at)


@dataclass(frozen=True)
class Viewer:
    """What a picture is taken with."""

    settings: Settings
    limits: Limits
    universe: Universe
    ledger: sa.Engine
    warehouse: Warehouse
    broker: Broker
    clock: DeskClock

    @property
    def environment(self) -> str:
        """How the ledger names what this desk trades on."""
        return environment_of(self.settings)

    def data(self, symbols: Sequence[str]) -> Mapping[str, DataNow]:
        """Return the quality verdict on each symbol's newest judged session, as it is now."""
        now = market_now(self.ledger)
        with self.warehouse.reader() as conn:
            session = verdicts.newest_session(conn, last=exchange().last_closed(now))
            if session is None:
                return {}
            return self._data(conn, symbols, session, as_of=now + DEFAULT_LAG)

    def model(self, version: str | None) -> ModelNow | None:
        """Return what the state of a model version counts for now."""
        if version is None:
            return None
        now = market_now(self.ledger)
        with self.warehouse.reader() as conn:
            known = models.known_versions(conn, as_of=now + DEFAULT_LAG)
            mine = known.filter(model_version=version)
            if mine.is_empty():
                return None
            counts = standing_now(conn, mine.row(0, named=True), self.settings, at=now)
        return ModelNow(
            version=version,
            status=counts.status,
            advisory_allowed=self.settings.mode != "live",
            reason=counts.reason,
        )

    def average_volume(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Return average shares a session, up to the newest close, in shares of today."""
        session = exchange().last_closed(market_now(self.ledger))
        return self._research(symbols, session).average_volume

    def recent_returns(self, symbols: Sequence[str]) -> Mapping[str, FloatArray]:
        """Return the simple returns of the last two years by symbol, up to the newest close."""
        return self.returns(symbols, exchange().last_closed(market_now(self.ledger)))

    def betas(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Return each symbol's slope on the index over the last two years, where it has one."""
        return self._betas(symbols, exchange().last_closed(market_now(self.ledger)))

    def sectors(self) -> Mapping[str, str]:
        """Return the sector of each symbol."""
        return self.universe.sectors

    def restricted(self) -> frozenset[str]:
        """Return the symbols in which nothing but a flatten is sent."""
        return frozenset(self.universe.restricted)

    def picture(
        self,
        symbols: Sequence[str],
        *,
        session: date,
        strategy: str,
        model_version: str | None,
        instead_of: str | None = None,
    ) -> Picture:
        """Return the desk as it is now, for a proposal in `symbols` decided after `session`.

        What other proposals may still send counts as if it were sent: all signed together
        stay within the limits. `instead_of` is a proposal that the new one replaces.
        """
        with self.ledger.connect() as conn:
            now = situation(conn, desk_at=self.clock.now())
            losses = losses_in_a_row(conn, strategy)
            at_stops = stop_risk(conn)
            made = promised.promised(
                conn,
                states=("open", "signed"),
                market_at=None if now.market is None else now.market.now,
                but=instead_of,
            )
        research = self._research(symbols, session)
        book = {*symbols, *(now.positions or {}), *(o.symbol for o in now.working)}
        book |= {each.leg.symbol for each in made}
        picture = Picture(
            limits=self.limits,
            environment=self.environment,
            sending=False,
            proposal_id="",
            account_environment=now.account_environment,
            trading_state=now.trading_state,
            reconciled=now.reconciled,
            market=now.market,
            account=now.account,
            positions=now.positions,
            working=now.working,
            activity=now.activity,
            model=self.model(model_version),
            by_hand=model_version is None,
            quotes=self._quotes(symbols, now),
            data=research.data,
            assets=self._assets(symbols),
            average_volume=research.average_volume,
            sectors=self.universe.sectors,
            betas=self._betas(sorted(book), session),
            restricted=self.restricted(),
            open_stop_risk=at_stops,
            stop_demanded=model_version is not None,
            returns=self.returns(sorted(book), session),
            consecutive_losses=losses,
            builds=now.builds,
        )
        return promised.with_all(picture, made)

    def returns(self, symbols: Sequence[str], session: date) -> Mapping[str, FloatArray]:
        """Return the simple returns of the last two years by symbol, as known after `session`.

        One whose past is too short to tell of is left out.
        """
        with self.warehouse.reader() as conn:
            return past_returns(_closes(conn, symbols, session))

    def _betas(self, symbols: Sequence[str], session: date) -> Mapping[str, Decimal]:
        with self.warehouse.reader() as conn:
            closes = _closes(conn, symbols, session)
            points = index.bars(
                conn,
                self.universe.index,
                session - timedelta(days=_RETURN_DAYS),
                session,
                as_of=decision_time(session),
            )
        return past_betas(closes, points)

    def _quotes(self, symbols: Sequence[str], now: Situation) -> Mapping[str, QuoteNow]:
        """Quotes on record; while the market is open, fresh ones of what is to be traded."""
        if now.market is None:
            return {}
        known = quotes_now(now.quotes, now.market, self.limits)
        if not now.market.is_open:
            return known
        return known | quotes_now(self.broker.quotes(symbols), self.broker.clock(), self.limits)

    def _assets(self, symbols: Sequence[str]) -> dict[str, BrokerAsset]:
        told = {symbol: self.broker.asset(symbol) for symbol in symbols}
        return {symbol: asset for symbol, asset in told.items() if asset is not None}

    def _research(self, symbols: Sequence[str], session: date) -> "_Research":
        as_of, first = decision_time(session), session - timedelta(days=_VOLUME_DAYS)
        today = market_now(self.ledger).astimezone(_NEW_YORK).date()
        with self.warehouse.reader() as conn:
            data = self._data(conn, symbols, session, as_of=as_of)
            recent = bars.ohlcv(conn, symbols, first, session, as_of=as_of)
            closes = adjustment.adjusted_closes(
                conn, symbols, first, session, as_of=as_of, basis=max(session, today)
            )
        return _Research(
            data=data,
            average_volume=_average_volume(recent, closes, self.limits.volume_sessions),
        )

    def _data(
        self,
        conn: duckdb.DuckDBPyConnection,
        symbols: Sequence[str],
        session: date,
        *,
        as_of: datetime,
    ) -> Mapping[str, DataNow]:
        judged = verdicts.status(conn, symbols, session, as_of=as_of)
        return _data(judged, verdicts.latest(conn, [session]), self._sessions_old(session))

    def _sessions_old(self, session: date) -> int:
        """Closed sessions that `session`'s data does not know of."""
        newest = exchange().last_closed(market_now(self.ledger))
        return len(exchange().sessions(session, newest)) - 1


@dataclass(frozen=True)
class _Research:
    data: Mapping[str, DataNow]
    average_volume: Mapping[str, Decimal]


def _data(judged: pl.DataFrame, counted: pl.DataFrame, age: int) -> dict[str, DataNow]:
    checks = {row["symbol"]: row for row in counted.iter_rows(named=True)}
    return {
        row["symbol"]: DataNow(
            status=row["status"],
            sessions_old=max(age, 0),
            checks=int(checks[row["symbol"]]["checks"]),
            checks_passed=int(checks[row["symbol"]]["checks_passed"]),
        )
        for row in judged.iter_rows(named=True)
        if row["status"] is not None and row["symbol"] in checks
    }


def _average_volume(
    recent: pl.DataFrame, closes: pl.DataFrame, sessions: int
) -> dict[str, Decimal]:
    """Return the mean volume by symbol in shares of the closes' basis: a split changes no size."""
    per_share = pl.col("split_adjusted_close") / pl.col("close")
    units = closes.select("symbol", "session", per_share=per_share)
    traded = recent.join(units, on=("symbol", "session")).sort("session")
    volume = pl.col("volume") / pl.col("per_share")
    means = traded.group_by("symbol").agg(volume.tail(sessions).mean())
    return {symbol: figure(volume, digits=0) for symbol, volume in means.iter_rows()}


def _closes(conn: duckdb.DuckDBPyConnection, symbols: Sequence[str], session: date) -> pl.DataFrame:
    first, as_of = session - timedelta(days=_RETURN_DAYS), decision_time(session)
    return adjustment.adjusted_closes(conn, symbols, first, session, as_of=as_of)


def past_betas(closes: pl.DataFrame, points: pl.DataFrame) -> dict[str, Decimal]:
    """Return the slope on the index by symbol, of the sessions of both; at most two years.

    One with too short a past to tell is left out.

    Parameters
    ----------
    closes : polars.DataFrame
        session, symbol and adjusted_close (USD per share).
    points : polars.DataFrame
        session and close of the index.
    """
    told: dict[str, Decimal] = {}
    market = points.select("session", pl.col("close").alias("index"))
    for (symbol,), own in closes.group_by("symbol"):
        priced = own.filter(pl.col("adjusted_close").is_finite())
        both = priced.join(market, on="session").sort("session").tail(_RETURN_SESSIONS + 1)
        prices = both.select("adjusted_close", "index").to_numpy().astype(np.float64)
        returns, moves = (prices[1:] / prices[:-1] - 1.0).T
        if moves.size >= FEWEST_RETURNS and float(np.ptp(moves)) > 0.0:
            told[str(symbol)] = figure(beta(returns, moves)).quantize(_PLACES)
    return told


def past_returns(closes: pl.DataFrame) -> dict[str, FloatArray]:
    """Return simple returns by symbol, of the same sessions, oldest first.

    Before its listing a symbol moves nothing; one with too short a past to tell is left out.

    Parameters
    ----------
    closes : polars.DataFrame
        session, symbol and adjusted_close (USD per share).
    """
    if closes.is_empty():
        return {}
    table = closes.pivot("symbol", index="session", values="adjusted_close").sort("session")
    table = table.tail(_RETURN_SESSIONS + 1)
    prices = table.drop("session").to_numpy().astype(np.float64)
    returns = prices[1:] / prices[:-1] - 1.0
    enough = np.isfinite(returns).sum(axis=0) >= FEWEST_RETURNS
    return {
        symbol: np.nan_to_num(returns[:, n])
        for n, symbol in enumerate(table.columns[1:])
        if enough[n]
    }
