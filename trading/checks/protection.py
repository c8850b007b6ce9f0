"""Whether an order that waits to close a position makes sense at the present price."""

from decimal import Decimal

from config.limits import Limits
from trading.checks.answer import Answer, Measure, no, yes
from trading.orders import OCO
from trading.proposals import Leg
from trading.protection import trigger
from trading.wording import percent, price

_WHOLE = Decimal(100)  # per cent


def is_known(leg: Leg) -> bool:
    """Return whether trail and class of a leg are those of an order that the desk can send."""
    trails = [given for given in (leg.trail_percent, leg.trail_price) if given is not None]
    if leg.order_type == "trailing_stop":
        fixed = leg.stop_price is not None or leg.limit_price is not None
        lasts = leg.time_in_force in {"day", "gtc"}
        return leg.reduces and len(trails) == 1 and not fixed and lasts and leg.order_class is None
    if leg.order_class is None:
        return not trails
    pair = leg.limit_price is not None and leg.stop_loss_price is not None
    plain = leg.stop_price is None and leg.take_profit_price is None and not trails
    return leg.reduces and leg.order_class == OCO and leg.order_type == "limit" and pair and plain


def around(limits: Limits, leg: Leg, at: Decimal) -> Answer:
    """11, of what protects: its stop lies behind the price, its target before it.

    How far is for people to decide, for nothing is traded before the price comes there. The limit
    of a stop must be within the collar of it, or it would not be filled when it is needed.
    """
    level = trigger(leg, at)
    if level is None:
        return no("A stop order needs a stop price or a trail.")
    if level <= 0 or (leg.trail_percent is not None and leg.trail_percent >= _WHOLE):
        return no(f"The trail leaves no price to stop at: {leg.symbol} trades at {price(at)}.")
    if not _is_behind(leg, level, at):
        side = "below" if leg.side == "sell" else "above"
        return no(
            f"{leg.symbol} trades at {price(at)}, and the stop at {price(level)} is not {side} "
            "that: it would be set off at once. Close the position instead, or choose another.",
            of=Measure(level, at, "USD"),
        )
    if leg.order_class == OCO and not _is_behind(leg, at, leg.worst_price):
        side = "above" if leg.side == "sell" else "below"
        return no(
            f"{leg.symbol} trades at {price(at)}, and the target {price(leg.worst_price)} is not "
            f"{side} that: it would be filled at once.",
            of=Measure(leg.worst_price, at, "USD"),
        )
    if leg.order_type == "stop_limit":
        return _limited(limits.collar, leg, level)
    return yes(f"The stop is {percent(abs(level / at - 1))} from the last price {price(at)}.")


def _is_behind(leg: Leg, one: Decimal, other: Decimal) -> bool:
    """Whether a price is worse than another for who holds the position that the leg closes."""
    return one < other if leg.side == "sell" else one > other


def _limited(collar: Decimal, leg: Leg, level: Decimal) -> Answer:
    limit = leg.worst_price
    if limit != level and not _is_behind(leg, limit, level):
        side = "above" if leg.side == "sell" else "below"
        return no(
            f"The limit {price(limit)} is {side} the stop {price(level)}: it would not be filled "
            "when the stop is reached.",
            of=Measure(limit, level, "USD"),
        )
    away = abs(limit / level - 1)
    figures = Measure(away, collar, "fraction")
    if away > collar:
        return no(
            f"The limit {price(limit)} is {percent(away)} from the stop {price(level)}; at most "
            f"{percent(collar)} pass.",
            of=figures,
        )
    return yes(f"The limit is {percent(away)} from the stop {price(level)}.", of=figures)
