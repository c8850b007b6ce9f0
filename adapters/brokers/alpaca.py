"""Alpaca, or whatever speaks its protocol: orders, positions, account, clock and quotes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import requests
from alpaca.common.enums import Sort
from alpaca.common.exceptions import APIError
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import StockLatestQuoteRequest, StockLatestTradeRequest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import QueryOrderStatus
from alpaca.trading.requests import GetCalendarRequest, GetOrderByIdRequest, GetOrdersRequest

from adapters.brokers import alpaca_answers as answers
from adapters.brokers.alpaca_asking import ask, asked, sober, unavailable
from adapters.brokers.alpaca_clock import CountedClock
from adapters.brokers.alpaca_orders import order_body
from config.live import LIVE_HOST
from trading.broker import (
    BrokerAccount,
    BrokerAsset,
    BrokerBooking,
    BrokerClock,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerQuote,
    TradingDay,
)
from trading.errors import (
    BrokerUnavailableError,
    OrderRejectedError,
    OutcomeUnknownError,
    RateLimitedError,
)
from trading.orders import Order

T = TypeVar("T")

_TIMEOUT = (3.0, 10.0)  # seconds to connect, to wait for an answer
_PAGE = 500  # the most orders one listing returns
_NEW_YORK = ZoneInfo("America/New_York")
_BOOKED = ",".join(answers.BOOKED)  # what moves shares or cash without a trade
_ACTIVITIES = 100  # the most activities one page returns
_OVERLAP = timedelta(microseconds=1)
_FAMILY = timedelta(minutes=1)  # children are made with their entry
_ATTACHED = frozenset({"bracket", "oco", "oto"})
# The broker did not take it, and would not take it again.
_REFUSED = frozenset({400, 403, 422})


class AlpacaBroker:
    """A broker reached through `alpaca-py`; fits `trading.broker.Broker`.

    Parameters
    ----------
    key_id, secret_key : str
        The API's keys.
    url, data_url : str
        Addresses of the trading and the market-data API, without version.
    paper : bool
        Whether the keys are those of a paper account.
    feed : str
        Which quotes: ``iex`` or ``sip``.
    timeout : tuple of float
        Seconds to connect and to wait for an answer.
    page_size : int
        Orders asked for at once; the broker returns 500 at most.
    account_number : str, optional
        The one account that may be traded: nothing is sent to another. A live one must be named.
    clock_seconds : float
        How long market time is counted on from the broker's last word; 0: it is always asked.

    Raises
    ------
    ValueError
        If real money is meant and no account is named, or the other way round.
    """

    def __init__(
        self,
        *,
        key_id: str,
        secret_key: str,
        url: str,
        data_url: str,
        paper: bool,
        feed: str,
        timeout: tuple[float, float] = _TIMEOUT,
        page_size: int = _PAGE,
        account_number: str | None = None,
        clock_seconds: float = 0.0,
    ) -> None:
        if paper == (urlsplit(url).hostname == LIVE_HOST) or not (paper or account_number):
            raise ValueError(
                f"A paper account is never at {LIVE_HOST}, and a live one is there and named; "
                f"asked for were {'paper' if paper else 'live'}, {url} and {account_number}."
            )
        self._account_number = account_number
        self._confirmed = account_number is None
        self._feed = feed
        self._page_size = page_size
        self._trading = sober(
            TradingClient(key_id, secret_key, paper=paper, raw_data=True, url_override=url), timeout
        )
        self._data = sober(
            StockHistoricalDataClient(key_id, secret_key, raw_data=True, url_override=data_url),
            timeout,
        )
        self._clock = CountedClock(self._told_time, seconds=clock_seconds)
        # What never changes of an order, kept so that each is looked up once.
        self._seen: dict[str, BrokerOrder] = {}  # by the broker's id
        self._parents: dict[str, str] = {}  # the broker's id of a child: client id of its entry
        self._entries: set[str] = set()  # the broker's ids of orders with children

    def submit(self, order: Order) -> BrokerOrder:
        """Send an order, once; an earlier send of the same id that arrived is adopted.

        Before the first one the account behind the keys is looked at.
        """
        if not self._confirmed:
            self.account()
        name = order.client_order_id
        try:
            return self._read(self._trading.post("/orders", order_body(order)))
        except APIError as e:
            return self._refused(order, e)
        except (requests.RequestException, *answers.UNREADABLE) as e:
            raise OutcomeUnknownError(f"No usable answer to order {name}: {e}") from e

    def find(self, client_order_id: str) -> BrokerOrder | None:
        """Return the order of that id; None only when the broker says it has none."""
        return ask(
            "orders:by_client_order_id",
            lambda: self._read(self._trading.get_order_by_client_id(client_order_id)),
            missing_is_none=True,
        )

    def cancel(self, broker_order_id: str) -> None:
        """Ask for a cancel; an order that is final already is no error."""
        try:
            self._trading.cancel_order_by_id(broker_order_id)
        except APIError as e:
            if e.status_code != requests.codes.unprocessable:
                raise unavailable(f"orders/{broker_order_id}", e) from e
        except (requests.RequestException, *answers.UNREADABLE) as e:
            raise unavailable(f"orders/{broker_order_id}", e) from e

    def orders(self, *, since: datetime) -> Sequence[BrokerOrder]:
        """Return all orders submitted since an instant, legs of brackets too, oldest first."""
        return self._listed(QueryOrderStatus.ALL, since)

    def open_orders(self) -> Sequence[BrokerOrder]:
        """Return all open orders, legs of brackets too, oldest first."""
        return self._listed(QueryOrderStatus.OPEN, None)

    def children(self, broker_order_id: str) -> Sequence[BrokerOrder]:
        """Return the stop and target attached to an order, with their parent's client id."""
        return asked(
            f"orders/{broker_order_id}",
            lambda: answers.children(
                self._trading.get_order_by_id(broker_order_id, GetOrderByIdRequest(nested=True))
            ),
        )

    def fills(self, *, since: datetime) -> Sequence[BrokerFill]:
        """Return all executions since an instant, oldest first.

        An activity names the broker's order id alone; its client id is looked up.
        """
        return [
            fill
            for activity in self._activities(since, "FILL")
            if (fill := self._fill(activity)).market_at >= since
        ]

    def bookings(self, *, since: datetime) -> Sequence[BrokerBooking]:
        """Return what was booked without a trade from the day of an instant on, oldest first."""
        midnight = since.astimezone(_NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
        return asked(
            "account/activities",
            lambda: [
                booked
                for told in self._activities(midnight, _BOOKED)
                for booked in answers.bookings(told)
            ],
        )

    def positions(self) -> Sequence[BrokerPosition]:
        """Return all holdings; empty means flat."""
        return asked(
            "positions",
            lambda: [
                answers.position(p) for p in answers.listed(self._trading.get_all_positions())
            ],
        )

    def account(self) -> BrokerAccount:
        """Return the account; another than the one that may be traded is no answer."""
        told = asked("account", lambda: answers.account(self._trading.get_account()))
        if self._account_number not in {None, told.account_id}:
            self._confirmed = False
            raise BrokerUnavailableError(
                f"The keys belong to account {told.account_id}; {self._account_number} may be "
                "traded, and no other. Nothing is sent."
            )
        self._confirmed = True
        return told

    def clock(self) -> BrokerClock:
        """Return the market's time, counted on from the last answer while that is young."""
        return self._clock.now()

    def calendar(self, first: date, last: date) -> Sequence[TradingDay]:
        """Return the sessions from `first` to `last`."""
        wanted = GetCalendarRequest(start=first, end=last)
        return asked(
            "calendar",
            lambda: [
                answers.trading_day(day)
                for day in answers.listed(self._trading.get_calendar(wanted))
            ],
        )

    def quotes(self, symbols: Sequence[str]) -> dict[str, BrokerQuote]:
        """Return the newest quote and trade of each symbol that has a quote."""
        if not symbols:
            return {}
        several = list(symbols)
        quotes = asked(
            "quotes/latest",
            lambda: answers.mapping(
                self._data.get_stock_latest_quote(
                    StockLatestQuoteRequest(symbol_or_symbols=several, feed=self._feed)
                )
            ),
        )
        trades = asked(
            "trades/latest",
            lambda: answers.mapping(
                self._data.get_stock_latest_trade(
                    StockLatestTradeRequest(symbol_or_symbols=several, feed=self._feed)
                )
            ),
        )
        return asked(
            "quotes/latest",
            lambda: {
                symbol: answers.quote(symbol, told, trades.get(symbol))
                for symbol, told in quotes.items()
            },
        )

    def asset(self, symbol: str) -> BrokerAsset | None:
        """Return what the broker says of a symbol; None when it does not know it."""
        return ask(
            f"assets/{symbol}",
            lambda: answers.asset(self._trading.get_asset(symbol)),
            missing_is_none=True,
        )

    def _told_time(self) -> BrokerClock:
        return asked("clock", lambda: answers.clock(self._trading.get_clock()))

    def _refused(self, order: Order, error: APIError) -> BrokerOrder:
        name, status = order.client_order_id, error.status_code
        if status == requests.codes.too_many_requests:
            raise RateLimitedError(f"The broker asks to wait with order {name}.") from error
        if status in _REFUSED:
            # Not only where the id is taken: an earlier send that arrived may hold the very
            # buying power or shares that a second one is refused for.
            known = self._adopted(name, error)
            if known is not None:
                return known
            raise OrderRejectedError(f"The broker refused it: {answers.reason(error)}.") from error
        raise OutcomeUnknownError(f"HTTP {status} for order {name}: {error}") from error

    def _adopted(self, name: str, error: APIError) -> BrokerOrder | None:
        """Our own earlier send, if that is why the id was refused."""
        try:
            known = self.find(name)
        except BrokerUnavailableError as e:
            raise OutcomeUnknownError(
                f"Order {name} was refused ({error}) and could not be looked up: {e}"
            ) from error
        if known is None and "client_order_id" in answers.reason(error):
            raise OutcomeUnknownError(
                f"The broker says id {name} is taken, yet does not find it: {error}"
            ) from error
        return known

    def _read(self, told: Any) -> BrokerOrder:
        """An order, with its parent if that is known; its children are remembered."""
        of = answers.order(told)
        legs = [answers.order(leg) for leg in told.get("legs") or []]
        if legs:
            self._entries.add(of.broker_order_id)
        for order in (*legs, of):
            if order is not of:
                self._parents[order.broker_order_id] = of.client_order_id
            self._seen[order.broker_order_id] = self._with_parent(order)
        return self._seen[of.broker_order_id]

    def _with_parent(self, order: BrokerOrder) -> BrokerOrder:
        return replace(order, parent_client_order_id=self._parents.get(order.broker_order_id))

    def _fill(self, activity: dict[str, Any]) -> BrokerFill:
        """An execution; an activity names the broker's order id alone, so that is looked up."""

        def told() -> BrokerFill:
            identity = activity["order_id"]
            if identity not in self._seen:
                self._read(self._trading.get_order_by_id(identity))
            return answers.fill(activity, self._seen[identity])

        return asked("account/activities", told)

    def _listed(self, status: QueryOrderStatus, since: datetime | None) -> list[BrokerOrder]:
        """All orders with their parents, oldest first.

        Alpaca hides the children of closed orders from nested listings and the parents from
        flat ones: the flat one is read, a nested one only when a child is new to us.
        """
        told = self._paged(status, since, nested=False)
        orphans = [one for one in told if self._is_orphan(one)]
        if orphans:
            first = min(answers.order(one).submitted_at for one in orphans)
            for family in self._paged(QueryOrderStatus.ALL, first - _FAMILY, nested=True):
                self._read(family)
        return [self._read(one) for one in told]

    def _is_orphan(self, told: dict[str, Any]) -> bool:
        known = told["id"] in self._parents or told["id"] in self._entries
        return told.get("order_class") in _ATTACHED and not known

    def _paged(
        self, status: QueryOrderStatus, since: datetime | None, *, nested: bool
    ) -> list[dict[str, Any]]:
        """All orders as told; pages overlap by an instant, so that equal times hide none."""
        found: dict[str, dict[str, Any]] = {}
        after = None if since is None else since - _OVERLAP
        while True:
            page = self._page(status, after, nested=nested)
            fresh = [told for told in page if told["id"] not in found]
            found.update({told["id"]: told for told in fresh})
            if len(page) < self._page_size:
                return list(found.values())
            if not fresh:
                raise BrokerUnavailableError(
                    f"More than {self._page_size} orders bear the same time; "
                    "the listing cannot be completed."
                )
            after = max(answers.order(told).submitted_at for told in page) - _OVERLAP

    def _page(
        self, status: QueryOrderStatus, after: datetime | None, *, nested: bool
    ) -> list[dict[str, Any]]:
        wanted = GetOrdersRequest(
            status=status, limit=self._page_size, direction=Sort.ASC, nested=nested, after=after
        )

        def told() -> list[dict[str, Any]]:
            page = answers.listed(self._trading.get_orders(wanted))
            for one in page:
                answers.order(one)  # unreadable ones fail the listing, whatever comes later
            return page

        return asked("orders", told)

    def _activities(self, since: datetime, kinds: str) -> Iterator[dict[str, Any]]:
        wanted: dict[str, Any] = {
            "activity_types": kinds,
            "after": (since - timedelta(seconds=1))
            .astimezone(UTC)
            .isoformat()
            .replace("+00:00", "Z"),
            "direction": "asc",
            "page_size": _ACTIVITIES,
        }
        while True:
            page = self._activity_page(wanted)
            yield from page
            if len(page) < _ACTIVITIES:
                return
            wanted = wanted | {"page_token": page[-1]["id"]}

    def _activity_page(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        return asked(
            "account/activities",
            lambda: answers.listed(self._trading.get("/account/activities", wanted)),
        )
