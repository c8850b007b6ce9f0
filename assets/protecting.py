"""A stop, or a stop and a target, for a position that is held: the leg, and what it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from trading.errors import NotAllowedError
from trading.orders import OCO
from trading.picture import Picture
from trading.proposals import Effect, Leg
from trading.protection import trigger

Kind = Literal["stop", "stop_limit", "trailing_stop", "oco"]
KINDS: Mapping[object, Kind] = {
    "stop": "stop", "stop_limit": "stop_limit", "trailing_stop": "trailing_stop", "oco": "oco",
}  # fmt: skip
_SHARE = Decimal("0.000001")


@dataclass(frozen=True)
class Protection:
    """What a person wants a position to be protected by, and why. Prices in USD."""

    symbol: str
    kind: Kind
    quantity: Decimal
    reason: str
    stop_price: Decimal | None = None
    limit_price: Decimal | None = None  # of a stop-limit; of a pair the target
    trail_percent: Decimal | None = None  # 5 is 5 %
    trail_price: Decimal | None = None


def protecting_leg(asked: Protection, picture: Picture, price: Decimal) -> Leg:
    """Return the leg that closes a position when its price comes there.

    Raises
    ------
    NotAllowedError
        If nothing is held of the symbol.
    """
    held = picture.held(asked.symbol)
    if not held:
        raise NotAllowedError(
            f"Nothing is held of {asked.symbol}: there is nothing to protect. A position that is "
            "opened brings its stop with it."
        )
    pair = asked.kind == OCO
    return Leg(
        leg_no=1,
        symbol=asked.symbol,
        side="sell" if held > 0 else "buy",
        quantity=asked.quantity,
        order_type="limit" if pair else asked.kind,
        time_in_force="gtc",  # it must outlast the session
        reference_price=price,
        limit_price=asked.limit_price,
        stop_price=None if pair else asked.stop_price,
        stop_loss_price=asked.stop_price if pair else None,
        reduces=True,
        trail_percent=asked.trail_percent,
        trail_price=asked.trail_price,
        order_class=OCO if pair else None,
    )


def loss_from_here(leg: Leg) -> Decimal | None:
    """Return what is lost from the reference price to the stop, in USD."""
    level = trigger(leg, leg.reference_price)
    return None if level is None else leg.quantity * abs(leg.reference_price - level)


def cover(leg: Leg, picture: Picture) -> tuple[Effect, ...]:
    """Return the card's table: how much of the position has a stop, and the way to it."""
    held, account = abs(picture.held(leg.symbol)), picture.account
    if account is None or account.equity <= 0 or not held:
        return ()
    before = sum((o.set_aside for o in picture.protecting(leg.symbol, leg.side)), Decimal(0))
    lost = loss_from_here(leg)
    return (
        Effect(
            f"{leg.symbol} with a stop, share of what is held",
            (before / held).quantize(_SHARE),
            ((before + leg.quantity) / held).quantize(_SHARE),
            Decimal(1),
            "fraction",
        ),
        Effect(
            "From the price now to the stop, share of equity",
            None,
            None if lost is None else (lost / account.equity).quantize(_SHARE),
            None,
            "fraction",
        ),
    )
