"""A proposal that gives a position its stops back after a split: signed like every other."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import sqlalchemy as sa

from assets.drafting import TICK
from assets.flattening import drafted_by_desk, picture_of_held
from config.limits import Limits
from ledger.splits import STRATEGY, Split
from trading.broker import Broker, BrokerPosition
from trading.orders import Order
from trading.picture import Picture
from trading.proposals import Leg, Proposal, Risk

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
        risk=Risk(equity=account.equity, loss_to_stop=None, effects=()),
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
    nearest = sorted(ended, key=lambda one: one.stop_price or _ZERO, reverse=side == "sell")
    for stop in nearest:
        unsold = (stop.quantity - stop.filled_quantity) * split.ratio
        quantity = min(unsold, left).to_integral_value(rounding=ROUND_DOWN)
        if stop.side != side or stop.stop_price is None or quantity <= 0:
            continue
        left -= quantity
        made.append(
            Leg(
                leg_no=len(made) + 1,
                symbol=stop.symbol,
                side=stop.side,
                quantity=quantity,
                order_type=stop.order_type,
                time_in_force="gtc",
                reference_price=price,
                limit_price=_divided(stop.limit_price, split.ratio),
                stop_price=_divided(stop.stop_price, split.ratio),
                reduces=True,
            )
        )
    return tuple(made)


def _divided(price: Decimal | None, ratio: Decimal) -> Decimal | None:
    return None if price is None else (price / ratio).quantize(TICK, ROUND_HALF_UP)
