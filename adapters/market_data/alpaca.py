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

from adapters.market_data.batches import Shelf, in_batches
from adapters.market_data.calendar import INSTANT, NEW_YORK
from adapters.market_data.errors import (
    EmptyAnswerError,
    NotOfferedError,
    SourceBusyError,
    SourceError,
    SourceKeysError,
    SourceRefusedError,
)
from adapters.market_data.retry import seconds_asked
from config.settings import Settings

Client = TypeVar("Client", StockHistoricalDataClient, CorporateActionsClient)
# The question itself is wrong, or ours is not the right to ask it.
_REFUSED = frozenset({400, 401, 403, 404, 422})
_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError)
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
    """Bars, corporate actions and quotes from the broker that `settings` names.

    Every row says its source, feed and whether it is simulated. alpaca-py's own repetitions are
    switched off: how often and when to ask again is the chain's to decide.
    """

    def __init__(self, settings: Settings) -> None:
        broker, told = settings.broker, settings.sources
        self._url = broker.data_url
        self.feed = broker.feed
        self.name = broker.kind  # recorded with every row, as its source
        self.lacks = frozenset(told.alpaca_lacks if broker.kind == "alpaca" else ())
        self._since = told.alpaca_since if broker.kind == "alpaca" else date.min
        self._simulated_minutes = broker.kind == "venue"
        self._made_up = broker.kind == "venue" and settings.market.is_dir()
        self._keys = (broker.key_id, broker.secret_key)
        self._timeout = (told.connect_seconds, told.answer_seconds)
        self._batch = told.batch
        self._shelf = Shelf(settings.home / "fetched")

    @cached_property
    def _bars(self) -> StockHistoricalDataClient:
        return _sober(
            StockHistoricalDataClient(*self._known_keys(), **self._options), self._timeout
        )

    @cached_property
    def _actions(self) -> CorporateActionsClient:
        return _sober(CorporateActionsClient(*self._known_keys(), **self._options), self._timeout)

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

        Columns: symbol, session, open, high, low, close, volume, source, feed, simulated; sorted
        by symbol and session. A symbol without bars is left out.

        Raises
        ------
        SourceError
            If there is no answer, or no bar at all; it holds what was answered before.
        """

        def asked(batch: Sequence[str]) -> pl.DataFrame:
            rows = self._asked_bars(batch, TimeFrame.Day, first, last)
            return self._marked(rows.drop("bar_start").unique(["symbol", "session"]), self._made_up)

        question = f"{self._url} {self.feed} daily {first} {last}"
        bars = in_batches(symbols, self._batch, asked, shelf=self._shelf, question=question)
        return bars.sort("symbol", "session")

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        """Unadjusted minute bars of a session, extended hours included where the feed has them.

        Columns: symbol, session, bar_start (UTC), open, high, low, close, volume, source, feed,
        simulated; sorted by symbol and bar_start. The venue's are simulated.

        Raises
        ------
        SourceError
            If there is no answer, or no bar at all; it holds what was answered before.
        """

        def asked(batch: Sequence[str]) -> pl.DataFrame:
            rows = self._asked_bars(batch, TimeFrame.Minute, session, session)
            return self._marked(rows.unique(["symbol", "bar_start"]), self._simulated_minutes)

        return in_batches(symbols, self._batch, asked).sort("symbol", "bar_start")

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Splits and cash dividends by ex-date; there may be none.

        Columns: symbol, ex_date, kind, ratio (new shares per old share), amount (USD per share),
        implied, source, feed, simulated; sorted by symbol and ex-date.

        Raises
        ------
        SourceError
            If there is no answer.
        """
        self._require_offered(first)
        asked = CorporateActionsRequest(symbols=list(symbols), start=first, end=last)
        what = f"corporate actions {first} to {last}"

        def told() -> pl.DataFrame:
            reply: Any = self._actions.get_corporate_actions(asked)
            of = reply.get("corporate_actions", reply)
            return pl.DataFrame([*_splits(of), *_dividends(of)], schema=_ACTION, orient="row")

        return self._marked(self._ask(told, what), self._made_up).sort("symbol", "ex_date", "kind")

    def quotes(self, symbols: Sequence[str]) -> pl.DataFrame:
        """Latest quotes: symbol, bid, ask (USD), bid_size, ask_size, quoted_at (UTC).

        Raises
        ------
        SourceError
            If there is no answer, or no quote at all.
        """
        asked = StockLatestQuoteRequest(symbol_or_symbols=list(symbols), feed=DataFeed(self.feed))

        def told() -> pl.DataFrame:
            reply = self._bars.get_stock_latest_quote(asked)
            rows = [
                (symbol, q["bp"], q["ap"], q["bs"], q["as"], _instant(q["t"]))
                for symbol, q in _mapping(reply.get("quotes", reply)).items()
            ]
            return pl.DataFrame(rows, schema=_QUOTE, orient="row").sort("symbol")

        return self._filled(self._ask(told, "latest quotes"), "latest quotes", symbols)

    def _asked_bars(
        self, symbols: Sequence[str], frame: TimeFrame, first: date, last: date
    ) -> pl.DataFrame:
        self._require_offered(first)
        asked = StockBarsRequest(
            symbol_or_symbols=list(symbols),
            timeframe=frame,
            start=datetime.combine(first, time(), NEW_YORK),
            end=datetime.combine(last + timedelta(days=1), time(), NEW_YORK) - timedelta(seconds=1),
            adjustment=Adjustment.RAW,
            feed=DataFeed(self.feed),
        )
        what = f"{frame.value} bars {first} to {last}"

        def told() -> pl.DataFrame:
            reply: Any = self._bars.get_stock_bars(asked)
            rows = [
                (symbol, None, _instant(b["t"]), b["o"], b["h"], b["l"], b["c"], round(b["v"]))
                for symbol, bars in _mapping(reply.get("bars", reply)).items()
                for b in bars or ()
            ]
            return pl.DataFrame(rows, schema=_BAR, orient="row")

        rows = self._ask(told, what).with_columns(
            session=pl.col("bar_start").dt.convert_time_zone(NEW_YORK.key).dt.date()
        )
        return self._filled(rows.filter(pl.col("session").is_between(first, last)), what, symbols)

    def _require_offered(self, first: date) -> None:
        if first < self._since:
            raise NotOfferedError(
                f"Alpaca has bars since {self._since} (`sources.alpaca_since`), not from {first}."
            )

    def _ask(self, ask: Callable[[], pl.DataFrame], what: str) -> pl.DataFrame:
        try:
            return ask()
        except APIError as e:
            raise self._refusal(what, e) from e
        except requests.JSONDecodeError as e:
            raise SourceError(f"{self._url} answered {what} with something unreadable: {e}") from e
        except requests.RequestException as e:
            raise SourceError(f"{self._url} gave no answer to {what}: {e}") from e
        except _UNREADABLE as e:
            raise SourceError(f"{self._url} answered {what} with something unreadable: {e}") from e

    def _refusal(self, what: str, error: APIError) -> SourceError:
        status = error.status_code
        if status == requests.codes.too_many_requests:
            wait = seconds_asked(error.response.headers, now=datetime.now(UTC))
            return SourceBusyError(
                f"{self._url} asks to wait with {what} (HTTP 429, Retry-After: {wait} s).",
                wait=wait,
            )
        told = f"{self._url} refused {what} (HTTP {status}): {str(error)[:300]}. "
        if status in _REFUSED:
            return SourceRefusedError(
                f"{told}Check the broker's keys and [broker] feed; see ./desk doctor."
            )
        return SourceError(f"{told}It may pass; it is asked again.")

    def _marked(self, rows: pl.DataFrame, simulated: bool) -> pl.DataFrame:
        return rows.with_columns(
            source=pl.lit(self.name), feed=pl.lit(self.feed), simulated=pl.lit(value=simulated)
        )

    def _filled(self, rows: pl.DataFrame, what: str, symbols: Sequence[str]) -> pl.DataFrame:
        if rows.is_empty():
            raise EmptyAnswerError(
                f"{self._url} has no {what} of {', '.join(symbols)}. An empty answer counts as "
                "none: is the session over, and are the symbols listed there?"
            )
        return rows


def _sober(client: Client, timeout: tuple[float, float]) -> Client:
    """Return `client` with a timeout, which alpaca-py has not, and without its repetitions."""
    # Neither has a public setting: zero attempts in the constructor mean three.
    client._retry = 0  # noqa: SLF001 - see above
    session: requests.Session = client._session  # noqa: SLF001 - see above
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Timed(timeout))
    # The desk's keys go to the broker's address only, whatever proxies the machine names.
    session.trust_env = False
    return client


class _Timed(HTTPAdapter):
    """Requests with a timeout: seconds to connect, and between bytes."""

    def __init__(self, timeout: tuple[float, float]) -> None:
        super().__init__()
        self._timeout = timeout

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # passes every option on
        if options.get("timeout") is None:
            options["timeout"] = self._timeout
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
