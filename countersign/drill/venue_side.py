"""The venue as the drill's own observer sees it: what it holds, and the faults it is to commit."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from adapters.brokers import alpaca_answers as answers
from countersign.drill.compare import Execution, There, VenueSide
from trading.errors import BrokerUnavailableError

_PAGE = 500
_ACTIVITIES = 100
_SINCE = "2000-01-01T00:00:00Z"


@dataclass
class Venue:
    """The venue's address and keys, and what was armed there.

    Nothing of the desk's own reading of the protocol is used to page, so that a listing which
    the desk cuts short is not cut short here too.
    """

    url: str
    key_id: str
    secret_key: str
    armed: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # class, fault
    struck: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(15.0, connect=3.0),
            headers={"APCA-API-KEY-ID": self.key_id, "APCA-API-SECRET-KEY": self.secret_key},
            trust_env=False,
        )

    def arm(self, name: str, *faults: Mapping[str, Any]) -> None:
        """Arm faults of a class beside those that have not struck yet."""
        self.count()
        self.armed += [(name, dict(fault)) for fault in faults]
        self._put()

    def count(self) -> Counter[str]:
        """Return how many faults of each class struck so far."""
        if not self.armed:
            return self.struck
        told = self._ask("GET", "/venue/faults")["faults"]
        if len(told) != len(self.armed):  # it was started anew, and has forgotten them
            self._put()
            return self.struck
        for (name, fault), now in zip(self.armed, told, strict=True):
            self.struck[name] += int(now["struck"])
            fault["count"] = int(now["left"])
        self.armed = [(name, fault) for name, fault in self.armed if fault["count"] > 0]
        self._put()
        return self.struck

    def disarm(self) -> None:
        """Take away everything that has not struck."""
        self.count()
        self.armed.clear()
        self._put()

    @contextmanager
    def sound(self) -> Iterator[None]:
        """Let the drill's own questions through unharmed; what was armed is armed again."""
        self.count()
        armed, self.armed = self.armed, []
        self._put()
        try:
            yield
        finally:
            self.armed = armed
            self._put()

    def submit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send an order that is not the desk's."""
        told: dict[str, Any] = self._ask("POST", "/v2/orders", body)
        return told

    def cancel(self, broker_order_id: str) -> None:
        """Cancel an order; one that has ended is no error."""
        self._ask("DELETE", f"/v2/orders/{broker_order_id}", refusable=True)

    def open_orders(self) -> list[dict[str, Any]]:
        """Return the open orders as told, stops and targets among them."""
        told: list[dict[str, Any]] = self._ask("GET", "/v2/orders?status=open&limit=500")
        return told

    def bars(self, symbols: Sequence[str], start: str) -> dict[str, list[dict[str, Any]]]:
        """Return daily bars since a date, adjusted for splits and dividends, oldest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        for symbol in symbols:
            path = f"/v2/stocks/bars?symbols={symbol}&timeframe=1Day&start={start}&limit=10000"
            found[symbol] = self._ask("GET", f"{path}&adjustment=all")["bars"][symbol]
        return found

    def side(self, first_cash: Decimal) -> VenueSide:
        """Return everything the venue holds, for the comparison."""
        orders = self._orders()
        names = {told["id"]: told["client_order_id"] for told in orders}
        parents = {
            leg["id"]: told["client_order_id"] for told in orders for leg in told["legs"] or []
        }
        sides = {told["id"]: told["side"] for told in orders}
        activities = self._activities()
        return VenueSide(
            orders=[_there(told, parents.get(told["id"])) for told in orders],
            executions=[
                _execution(told, names[told["order_id"]], sides[told["order_id"]])
                for told in activities
                if told["activity_type"] == "FILL"
            ],
            positions={
                held.symbol: held.quantity
                for held in map(answers.position, self._ask("GET", "/v2/positions"))
            },
            cash=Decimal(self._ask("GET", "/v2/account")["cash"]),
            first_cash=first_cash,
            split_shares=_split_shares(activities),
            dividends=sum(
                (Decimal(a["net_amount"]) for a in activities if a["activity_type"] == "DIV"),
                Decimal(0),
            ),
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _orders(self) -> list[dict[str, Any]]:
        """All orders, each with the legs that hang on it, asked for one by one."""
        found: dict[str, dict[str, Any]] = {}
        after = _SINCE
        while True:
            path = f"/v2/orders?status=all&direction=asc&limit={_PAGE}&after={after}"
            page = self._ask("GET", path)
            found |= {told["id"]: told for told in page}
            if len(page) < _PAGE:
                break
            after = page[-1]["submitted_at"]
        return [self._ask("GET", f"/v2/orders/{identity}?nested=true") for identity in found]

    def _activities(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        path = f"/v2/account/activities?direction=asc&page_size={_ACTIVITIES}"
        page = self._ask("GET", path)
        while page:
            found += page
            page = self._ask("GET", f"{path}&page_token={page[-1]['id']}")
        return found

    def _put(self) -> None:
        self._ask("PUT", "/venue/faults", {"faults": [fault for _, fault in self.armed]})

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        refusable: bool = False,
    ) -> Any:
        try:
            reply = self._client.request(method, path, json=body)
        except httpx.HTTPError as e:
            raise BrokerUnavailableError(f"The drill's venue did not answer {path}: {e}.") from e
        if reply.is_error and not refusable:
            raise BrokerUnavailableError(f"The drill's venue said {reply.text} to {path}.")
        return reply.json() if reply.content else None


def _there(told: Mapping[str, Any], parent: str | None) -> There:
    order = answers.order(told)
    return There(
        client_order_id=order.client_order_id,
        parent=parent,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        state=order.state.value,
        filled=order.filled_quantity,
        average_price=order.average_price,
    )


def _execution(told: Mapping[str, Any], client_order_id: str, side: str) -> Execution:
    return Execution(
        execution_id=told["id"],
        client_order_id=client_order_id,
        symbol=told["symbol"],
        side=side,
        quantity=Decimal(told["qty"]),
        price=Decimal(told["price"]),
        at=datetime.fromisoformat(told["transaction_time"]),
    )


def _split_shares(activities: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    gained: dict[str, Decimal] = {}
    for told in activities:
        if told["activity_type"] == "SPLIT":
            gained[told["symbol"]] = gained.get(told["symbol"], Decimal(0)) + Decimal(told["qty"])
    return gained
