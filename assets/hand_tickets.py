"""What a person enters by hand, read and refused in words before anything is judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

from assets.drafting import TICK
from assets.protecting import KINDS, Kind, Protection
from trading.errors import NotAllowedError

PROTECT = "protect"
_SIDES: Mapping[object, Literal["buy", "sell"]] = {"buy": "buy", "sell": "sell"}
_NEEDED: Mapping[Kind, tuple[str, ...]] = {
    "stop": ("stop_price",),
    "stop_limit": ("stop_price", "limit_price"),
    "trailing_stop": (),
    "oco": ("stop_price", "limit_price"),
}
_WORDS = {"stop_price": "stop", "limit_price": "limit", "trail_price": "trail"}
_LARGEST_TRAIL = Decimal(50)  # per cent


@dataclass(frozen=True)
class Ticket:
    """What a person wants to trade, and why. Prices in USD."""

    symbol: str
    side: Literal["buy", "sell"]
    quantity: Decimal
    limit_price: Decimal
    stop_loss_price: Decimal | None
    reason: str
    take_profit_price: Decimal | None = None

    @property
    def has_exit(self) -> bool:
        """Whether it brings a stop or a target."""
        return self.stop_loss_price is not None or self.take_profit_price is not None


def ticket_of(asked: Mapping[str, object]) -> Ticket | Protection:
    """Return the ticket that a request tells of: a trade, or what is to protect a position.

    Raises
    ------
    NotAllowedError
        If the side, the kind, a number or the reason is none, or a price is on the wrong side.
    """
    return _protection(asked) if asked.get("kind") == PROTECT else _trade(asked)


def _trade(asked: Mapping[str, object]) -> Ticket:
    side = _SIDES.get(asked.get("side"))
    if side is None:
        raise NotAllowedError(f"The side is buy or sell, was {asked.get('side')!r}.")
    ticket = Ticket(
        symbol=str(asked.get("symbol")),
        side=side,
        quantity=_positive(asked.get("quantity"), "quantity"),
        limit_price=_price(asked.get("limit_price"), "limit price"),
        stop_loss_price=_given(asked, "stop_loss_price", "stop"),
        take_profit_price=_given(asked, "take_profit_price", "target"),
        reason=_reason(asked),
    )
    _require_sense(ticket)
    return ticket


def _protection(asked: Mapping[str, object]) -> Protection:
    kind = KINDS.get(asked.get("protection"))
    if kind is None:
        raise NotAllowedError(
            f"A position is protected by one of {', '.join(map(str, KINDS))}, was "
            f"{asked.get('protection')!r}."
        )
    prices = {name: _price(asked.get(name), _word(kind, name)) for name in _NEEDED[kind]}
    trails = _trails(asked) if kind == "trailing_stop" else {}
    return Protection(
        symbol=str(asked.get("symbol")),
        kind=kind,
        quantity=_positive(asked.get("quantity"), "quantity"),
        reason=_reason(asked),
        **prices,
        **trails,
    )


def _trails(asked: Mapping[str, object]) -> dict[str, Decimal]:
    given = [name for name in ("trail_percent", "trail_price") if asked.get(name) is not None]
    if len(given) != 1:
        raise NotAllowedError("A trailing stop needs one trail: in per cent, or in USD per share.")
    if given == ["trail_price"]:
        return {"trail_price": _price(asked.get("trail_price"), "trail")}
    percent = _positive(asked.get("trail_percent"), "trail").quantize(TICK, ROUND_HALF_UP)
    if not TICK <= percent <= _LARGEST_TRAIL:
        raise NotAllowedError(
            f"A trail is between {TICK} and {_LARGEST_TRAIL} per cent, was {percent}."
        )
    return {"trail_percent": percent}


def _word(kind: Kind, name: str) -> str:
    return "target" if (kind, name) == ("oco", "limit_price") else _WORDS[name]


def _reason(asked: Mapping[str, object]) -> str:
    reason = str(asked.get("reason") or "").strip()
    if not reason:
        raise NotAllowedError("A trade entered by hand needs a reason: others sign it by that.")
    return reason


def _given(asked: Mapping[str, object], name: str, what: str) -> Decimal | None:
    told = asked.get(name)
    return None if told is None else _price(told, what)


def _positive(told: object, what: str) -> Decimal:
    try:
        number = Decimal(str(told))
    except InvalidOperation as e:
        raise NotAllowedError(f"The {what} is a number above 0, was {told!r}.") from e
    if not number.is_finite() or number <= 0:
        raise NotAllowedError(f"The {what} is a number above 0, was {told!r}.")
    return number


def _price(told: object, what: str) -> Decimal:
    number = _positive(told, what).quantize(TICK, ROUND_HALF_UP)
    if not number:
        raise NotAllowedError(f"The {what} is at least {TICK} USD, was {told!r}.")
    return number


def _require_sense(ticket: Ticket) -> None:
    """A stop ends a loss, a target takes a gain; the sides of a short are the other way round."""
    long = ticket.side == "buy"
    for name, at, is_below in (
        ("stop", ticket.stop_loss_price, long),
        ("target", ticket.take_profit_price, not long),
    ):
        if at is None or (at < ticket.limit_price if is_below else at > ticket.limit_price):
            continue
        raise NotAllowedError(
            f"The {name} {at} must be {'below' if is_below else 'above'} the limit "
            f"{ticket.limit_price}: it {'ends a loss' if name == 'stop' else 'takes a gain'}."
        )
