"""Market data over Alpaca's protocol: the embedded venue, or Alpaca itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, TypeVar

import polars as pl
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.requests import (
    CorporateActionsRequest,
    StockBarsRequest,
    StockLatestQuoteRequest,
)
from alpaca.data.timeframe import TimeFrame
from requests.adapters import HTTPAdapter

from adapters.market_data.calendar import INSTANT, NEW_YORK
from adapters.market_data.errors import SourceError, SourceKeysError
from config.settings import Settings

Client = TypeVar("Client", StockHistoricalDataClient, CorporateActionsClient)
_TIMEOUT_SECONDS = (5.0, 30.0)  # to connect, between bytes
_BAR: dict[str, Any] = {
    "symbol": pl.String, "session": pl.Date, "bar_start": INSTANT, "open": pl.Float64,
    "high": pl.Float64, "low": pl.Float64, "close": pl.Float64, "volume": pl.Int64,
}  # fmt: skip
_ACTION: dict[str, Any] = {
    "symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "ratio": pl.Float64,
    "amount": pl.Float64, "implied": pl.Boolean,
}  # fmt: skip
_QUOTE: dict[str, Any] = {
    "symbol": pl.String, "bid": pl.Float64, "ask": pl.Float64, "bid_size": pl.Float64,
    "ask_size": pl.Float64, "quoted_at": INSTANT,
}  # fmt: skip


class AlpacaMarketData:
    """Bars, corporate actions and quotes from the broker that `settings` names."""

    def __init__(self, settings: Settings) -> None:
        broker = settings.broker
        self._url = broker.data_url
        self.feed = broker.feed
        self.source = broker.kind  # recorded with every row
        self.simulated_minutes = broker.kind == "venue"
        self._keys = (broker.key_id, broker.secret_key)

    @cached_property
    def _bars(self) -> StockHistoricalDataClient:
        return _timed(StockHistoricalDataClient(*self._known_keys(), **self._options))

    @cached_property
    def _actions(self) -> CorporateActionsClient:
        return _timed(CorporateActionsClient(*self._known_keys(), **self._options))

    @property
    def _options(self) -> dict[str, Any]:
        return {"raw_data": True, "url_override": self._url}

    def _known_keys(self) -> tuple[str, str]:
        if not all(self._keys):
            raise SourceKeysError(
                f"There are no keys for {self._url}. Set COUNTERSIGN_BROKER__KEY_ID and "
                "COUNTERSIGN_BROKER__SECRET_KEY, or run ./desk up, which makes the venue's."
            )
        return self._keys

    def daily(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Unadjusted daily bars (USD or index points, shares) of the sessions asked for.

        Columns: symbol, session, open, high, low, close, volume; sorted by symbol and session. A
        symbol without bars is left out.

        Raises
        ------
        SourceError
            If there is no answer, or no bar at all.
        """
        rows = self._asked_bars(symbols, TimeFrame.Day, first, last)
        return rows.drop("bar_start").unique(["symbol", "session"]).sort("symbol", "session")

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        """Unadjusted minute bars of a session, extended hours included where the feed has them.

        Columns: symbol, session, bar_start (UTC), open, high, low, close, volume; sorted by symbol
        and bar_start. The venue's are simulated (`simulated_minutes`).

        Raises
        ------
        SourceError
            If there is no answer, or no bar at all.
        """
        rows = self._asked_bars(symbols, TimeFrame.Minute, session, session)
        return rows.unique(["symbol", "bar_start"]).sort("symbol", "bar_start")

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Splits and cash dividends by ex-date; there may be none.

        Columns: symbol, ex_date, kind, ratio (new shares per old share), amount (USD per share),
        implied; sorted by symbol and ex-date.

        Raises
        ------
        SourceError
            If there is no answer.
        """
        asked = CorporateActionsRequest(symbols=list(symbols), start=first, end=last)
        what = f"corporate actions {first} to {last}"
        reply = self._ask(lambda: self._actions.get_corporate_actions(asked), what)
        told = reply.get("corporate_actions", reply)
        return pl.DataFrame([*_splits(told), *_dividends(told)], schema=_ACTION, orient="row").sort(
            "symbol", "ex_date", "kind"
        )

    def quotes(self, symbols: Sequence[str]) -> pl.DataFrame:
        """Latest quotes: symbol, bid, ask (USD), bid_size, ask_size, quoted_at (UTC).

        Raises
        ------
        SourceError
            If there is no answer, or no quote at all.
        """
        asked = StockLatestQuoteRequest(symbol_or_symbols=list(symbols), feed=DataFeed(self.feed))
        reply = self._ask(lambda: self._bars.get_stock_latest_quote(asked), "latest quotes")
        rows = [
            (symbol, q["bp"], q["ap"], q["bs"], q["as"], _instant(q["t"]))
            for symbol, q in _mapping(reply.get("quotes", reply)).items()
        ]
        return self._filled(
            pl.DataFrame(rows, schema=_QUOTE, orient="row").sort("symbol"), "latest quotes", symbols
        )

    def _asked_bars(
        self, symbols: Sequence[str], frame: TimeFrame, first: date, last: date
    ) -> pl.DataFrame:
        asked = StockBarsRequest(
            symbol_or_symbols=list(symbols),
            timeframe=frame,
            start=datetime.combine(first, time(), NEW_YORK),
            end=datetime.combine(last + timedelta(days=1), time(), NEW_YORK) - timedelta(seconds=1),
            adjustment=Adjustment.RAW,
            feed=DataFeed(self.feed),
        )
        what = f"{frame.value} bars {first} to {last}"
        reply = self._ask(lambda: self._bars.get_stock_bars(asked), what)
        rows = [
            (symbol, None, _instant(b["t"]), b["o"], b["h"], b["l"], b["c"], round(b["v"]))
            for symbol, bars in _mapping(reply.get("bars", reply)).items()
            for b in bars
        ]
        frame_of_rows = pl.DataFrame(rows, schema=_BAR, orient="row").with_columns(
            session=pl.col("bar_start").dt.convert_time_zone(NEW_YORK.key).dt.date()
        )
        return self._filled(
            frame_of_rows.filter(pl.col("session").is_between(first, last)), what, symbols
        )

    def _ask(self, ask: Callable[[], Any], what: str) -> dict[str, Any]:
        try:
            reply = ask()
        except APIError as e:
            raise SourceError(
                f"{self._url} refused {what} (HTTP {e.status_code}): {e}. "
                "Check the broker's keys and [broker] feed; see ./desk doctor."
            ) from e
        except requests.RequestException as e:
            raise SourceError(f"{self._url} gave no answer to {what}: {e}") from e
        except (ValueError, KeyError, TypeError) as e:
            raise SourceError(f"{self._url} answered {what} with something unreadable: {e}") from e
        if not isinstance(reply, dict):
            raise SourceError(f"{self._url} answered {what} with {type(reply).__name__}.")
        return reply

    def _filled(self, rows: pl.DataFrame, what: str, symbols: Sequence[str]) -> pl.DataFrame:
        if rows.is_empty():
            raise SourceError(
                f"{self._url} has no {what} of {', '.join(symbols)}. An empty answer counts as "
                "none: is the session over, and are the symbols listed there?"
            )
        return rows


def _timed(client: Client) -> Client:
    """Return `client`, whose requests give up: alpaca-py sets no timeout and takes none."""
    for scheme in ("http://", "https://"):
        client._session.mount(scheme, _Timed())  # noqa: SLF001 - there is no public way
    return client


class _Timed(HTTPAdapter):
    """Requests with a timeout."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # passes every option on
        if options.get("timeout") is None:
            options["timeout"] = _TIMEOUT_SECONDS
        return super().send(request, **options)


def _splits(told: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (a["symbol"], date.fromisoformat(a["ex_date"]), "split",
         float(a["new_rate"]) / float(a["old_rate"]), None, _is_implied(a))
        for kind in ("forward_splits", "reverse_splits")
        for a in told.get(kind) or ()
    ]  # fmt: skip


def _dividends(told: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return one row per symbol and ex-date: a special and a regular dividend are paid together."""
    paid: dict[tuple[str, date], tuple[float, bool]] = {}
    for a in told.get("cash_dividends") or ():
        key = (a["symbol"], date.fromisoformat(a["ex_date"]))
        amount, implied = paid.get(key, (0.0, False))
        paid[key] = (amount + float(a["rate"]), implied or _is_implied(a))
    return [
        (symbol, ex_date, "cash_dividend", None, amount, implied)
        for (symbol, ex_date), (amount, implied) in paid.items()
    ]


def _is_implied(action: Mapping[str, Any]) -> bool:
    return action.get("origin") == "implied"


def _mapping(told: Any) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
