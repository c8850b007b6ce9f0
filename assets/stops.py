"""A proposal that gives a position its stops back after a split: signed like every other."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import sqlalchemy as sa

from assets.drafting import TICK, effects, loss_to_stop
from assets.flattening import drafted_by_desk, picture_of_held
from config.limits import Limits
from ledger.splits import STRATEGY, Split
from trading.broker import Broker, BrokerPosition
from trading.orders import Order
from trading.picture import Picture
from trading.proposals import Leg, Proposal, Risk
from trading.protection import trigger
from trading.wording import shares

_ZERO = Decimal(0)


def stops_proposal(
    ledger: sa.Engine,
    broker: Broker,
    split: Split,
    ended: Sequence[Order],
    *,
    environment: str,
    limits: Limits,
    desk_at: datetime,
) -> Proposal | None:
    """Return a proposal of the stops that a split ended, in new shares at new prices.

    Parameters
    ----------
    ended : sequence of Order
        The stops as they stood before it.
    environment : str
        Of the account: replay, paper or live.
    desk_at : datetime
        Wall time.

    Returns
    -------
    Proposal or None
        Valid until the next close; None where nothing is held any more, or no stop was.

    Raises
    ------
    BrokerUnavailableError
        If the broker does not answer.
    """
    held = [one for one in broker.positions() if one.symbol == split.symbol and one.quantity]
    if not held or not ended:
        return None
    account = broker.account()
    picture = picture_of_held(
        ledger, broker, held, account, environment, limits, desk_at, command=None
    )
    assert picture.market is not None
    legs = _legs(split, ended, held[0], picture)
    if not legs or picture.market.next_close is None:
        return None
    return drafted_by_desk(
        picture,
        legs,
        until=picture.market.next_close,
        account_id=account.account_id,
        strategy=STRATEGY,
        risk=_risk(legs, picture, account.equity),
        reason=_reason(split, len(legs)),
    )


def _risk(legs: Sequence[Leg], picture: Picture, equity: Decimal) -> Risk:
    """What all stops lose from the price now; the table of cover is that of a single leg."""
    losses = [lost for lost in map(loss_to_stop, legs) if lost is not None]
    return Risk(
        equity=equity,
        loss_to_stop=sum(losses, _ZERO) if len(losses) == len(legs) else None,
        effects=effects(legs[0], picture, picture.limits) if len(legs) == 1 else (),
    )


def _reason(split: Split, n_stops: int) -> str:
    """``AAPL was split as 6 Jul 2012 opened, 2 shares for each before, and its stop ended …``."""
    ended = "its stop" if n_stops == 1 else "its stops"
    return (
        f"{split.symbol} was split as {split.ex_date.day} {split.ex_date:%b %Y} opened, "
        f"{shares(round(split.ratio, 4))} shares for each before, and {ended} ended with it."
    )


def _legs(
    split: Split, ended: Sequence[Order], held: BrokerPosition, picture: Picture
) -> tuple[Leg, ...]:
    """One leg a stop, the nearest first, all together for no more than is held."""
    side = "sell" if held.quantity > 0 else "buy"
    left, price = abs(held.quantity), picture.market_price(held.symbol)
    if price is None or price <= 0:
        return ()
    made: list[Leg] = []
    for stop in _nearest([one for one in ended if one.side == side], price * split.ratio):
        unsold = (stop.quantity - stop.filled_quantity) * split.ratio
        quantity = min(unsold, left).to_integral_value(rounding=ROUND_DOWN)
        if quantity > 0:
            left -= quantity
            made.append(_leg(len(made) + 1, stop, quantity, price, split.ratio))
    return tuple(made)


def _nearest(stops: Sequence[Order], price: Decimal) -> list[Order]:
    """The stops in the order in which a price that turns reaches them."""

    def distance(stop: Order) -> Decimal:
        level = trigger(stop, price)
        return abs(price - (_ZERO if level is None else level))

    return sorted(stops, key=distance)


def _leg(number: int, stop: Order, quantity: Decimal, price: Decimal, ratio: Decimal) -> Leg:
    """The stop in new shares at new prices; a trail in per cent stays what it is."""
    return Leg(
        leg_no=number,
        symbol=stop.symbol,
        side=stop.side,
        quantity=quantity,
        order_type=stop.order_type,
        time_in_force="gtc",
        reference_price=price,
        limit_price=_divided(stop.limit_price, ratio),
        stop_price=_divided(stop.stop_price, ratio),
        stop_loss_price=_divided(stop.stop_loss_price, ratio),
        reduces=True,
        trail_percent=stop.trail_percent,
        trail_price=_divided(stop.trail_price, ratio),
        order_class=stop.order_class,
    )


def _divided(price: Decimal | None, ratio: Decimal) -> Decimal | None:
    return None if price is None else (price / ratio).quantize(TICK, ROUND_HALF_UP)
