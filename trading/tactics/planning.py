"""What to do next for a leg that is worked in parts: pure functions, no clock, no broker.

Whatever came before (fills, cancels, crashes, the same question asked twice), the next part is
measured by what the broker confirmed of the earlier ones. At most one part works at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import TypeAlias

from trading.orders import Order, OrderState
from trading.picture import QuoteNow
from trading.proposals import Leg
from trading.tactics.tactic import Tactic
from trading.wording import shares

_ZERO = Decimal(0)
_BPS = Decimal(10_000)
_UNSETTLED = frozenset({OrderState.INTENDED, OrderState.SENT, OrderState.UNRESOLVED})


@dataclass(frozen=True)
class Child:
    """One order that was sent for a part of a leg."""

    order: Order
    intended_at: datetime  # market time
    replaced: bool  # the desk itself asked for its cancel, to price its rest anew


@dataclass(frozen=True)
class Send:
    """Send so many shares at this limit (USD per share) as the next part."""

    quantity: Decimal
    limit_price: Decimal


@dataclass(frozen=True)
class Cancel:
    """Take the working part back: its rest is to be priced anew, or the time is over."""

    client_order_id: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do now."""

    sentence: str


@dataclass(frozen=True)
class Done:
    """Nothing more will be sent for this leg."""

    code: str  # filled | deadline | refused | stopped | protected | children
    sentence: str


Step: TypeAlias = Send | Cancel | Wait | Done


def next_step(
    leg: Leg, children: Sequence[Child], *, now: datetime, quote: QuoteNow | None
) -> Step:
    """Return what to do next for a leg with a tactic.

    Parameters
    ----------
    leg : Leg
        As signed: with a limit price and a tactic.
    children : sequence of Child
        Every order that was ever sent for it, oldest first.
    now : datetime
        Market time.
    quote : QuoteNow or None
        The symbol's; None when nobody quotes it: then nothing new is sent.

    Raises
    ------
    ValueError
        If the leg has no tactic or no limit price.
    """
    if leg.tactic is None or leg.limit_price is None:
        raise ValueError(f"Leg {leg.leg_no} in {leg.symbol} needs a tactic and a limit price.")
    live = [child for child in children if not child.order.state.is_final]
    if live:
        return _of_working(leg, leg.tactic, children, live[0], now, quote)
    ended = _end(leg, leg.tactic, children, now)
    if ended is not None:
        return ended
    return _of_rest(leg, leg.tactic, children, now, quote)


def filled_by(children: Sequence[Child]) -> Decimal:
    """Return the shares that all parts together were filled with."""
    return sum((child.order.filled_quantity for child in children), _ZERO)


def scheduled(leg: Leg, tactic: Tactic, now: datetime) -> Decimal:
    """Return how many shares may have been offered by `now` (market time)."""
    if now < tactic.starts_at:
        return _ZERO
    if is_final_phase(tactic, now):
        return leg.quantity
    passed, span = now - tactic.starts_at, tactic.ends_at - tactic.starts_at
    begun = min(tactic.slices, int(passed * tactic.slices / span) + 1)
    if begun == tactic.slices:
        return leg.quantity
    share = tactic.curve[begun - 1] if tactic.curve else Decimal(begun) / tactic.slices
    return _whole(leg.quantity * share)


def is_final_phase(tactic: Tactic, now: datetime) -> bool:
    """Whether what is left is to be offered at the signed limit by now (market time)."""
    last = tactic.ends_at - timedelta(seconds=tactic.final_seconds)
    return tactic.final == "cross" and now >= max(last, tactic.starts_at)


def limit_for(leg: Leg, children: Sequence[Child], *, now: datetime, quote: QuoteNow) -> Decimal:
    """Return the limit of the next part, USD per share; never beyond the signed one.

    Raises
    ------
    ValueError
        If the leg has no tactic or no limit price, or the quote no price.
    """
    if leg.tactic is None or leg.limit_price is None or quote.price is None:
        raise ValueError(f"Leg {leg.leg_no} in {leg.symbol} cannot be priced.")
    if is_final_phase(leg.tactic, now):
        return leg.limit_price
    middle = quote.price if quote.middle is None else quote.middle
    offset = middle * _offset_bps(leg.tactic, quote, middle) * (1 + _in_vain(children)) / _BPS
    raw = middle + offset if leg.side == "buy" else middle - offset
    tick = Decimal("0.01") if raw >= 1 else Decimal("0.0001")
    priced = max(raw.quantize(tick, ROUND_HALF_UP), tick)
    pick = min if leg.side == "buy" else max
    return pick(priced, leg.limit_price)


def _of_working(
    leg: Leg,
    tactic: Tactic,
    children: Sequence[Child],
    live: Child,
    now: datetime,
    quote: QuoteNow | None,
) -> Step:
    if live.order.state in _UNSETTLED:
        return Wait("We do not know yet whether the broker has its last part.")
    if now >= tactic.ends_at:
        return Cancel(live.order.client_order_id)
    said = f"{shares(live.order.leaves)} {leg.symbol} work at the broker."
    if _is_protected(leg, children):
        return Wait(said)  # a rest that is taken back could not be sent again
    if is_final_phase(tactic, now) and _may_send(tactic, children, now):
        crossing = live.order.limit_price == leg.limit_price
        complete = live.order.leaves == leg.quantity - filled_by(children)
        return Wait(said) if crossing and complete else Cancel(live.order.client_order_id)
    old = now - live.intended_at >= timedelta(seconds=tactic.reprice_seconds)
    if not old or quote is None or quote.price is None or not _may_send(tactic, children, now):
        return Wait(said)
    others = [child for child in children if child is not live]
    # Were it taken back without a fill, the next one would be offered a step further.
    seen = children if live.order.filled_quantity == 0 else others
    fresh = limit_for(leg, seen, now=now, quote=quote)
    grown = scheduled(leg, tactic, now) - filled_by(children) > live.order.leaves
    same = fresh == live.order.limit_price and not grown
    return Wait(said) if same else Cancel(live.order.client_order_id)


def _end(leg: Leg, tactic: Tactic, children: Sequence[Child], now: datetime) -> Done | None:
    """Say why nothing more is sent, or None; no part works any more."""
    filled, last = filled_by(children), children[-1] if children else None
    told = f"{shares(filled)} of {shares(leg.quantity)} {leg.symbol} were filled"
    refused = last is not None and last.order.state is OrderState.REJECTED
    # Whoever cancelled a part that the desk did not take back wants no more of it.
    stopped = last is not None and last.order.state is not OrderState.FILLED and not last.replaced
    ends = (
        (filled >= leg.quantity, "filled", f"All {shares(filled)} {leg.symbol} were filled."),
        (now >= tactic.ends_at, "deadline", f"Its time ended: {told}."),
        (refused, "refused", f"The broker refused a part: {told}."),
        (stopped, "stopped", f"A part was cancelled: {told}."),
        (_is_protected(leg, children), "protected", f"{told}; the stop on these stands."),
        (
            len(children) >= tactic.most_children,
            "children",
            f"{len(children)} orders were signed, and sent: {told}.",
        ),
    )
    return next((Done(code, said) for holds, code, said in ends if holds), None)


def _of_rest(
    leg: Leg, tactic: Tactic, children: Sequence[Child], now: datetime, quote: QuoteNow | None
) -> Step:
    due = scheduled(leg, tactic, now) - filled_by(children)
    if due <= 0:
        when = "its start" if now < tactic.starts_at else "its next slice"
        return Wait(f"{leg.symbol}: it waits for {when}.")
    if not _may_send(tactic, children, now):
        return Wait(f"{leg.symbol}: one order is left, for the end of its time.")
    if quote is None or quote.price is None:
        stub = quote is not None and quote.is_stub
        why = "bid and ask are too far apart to be a price" if stub else "nobody quotes it"
        return Wait(f"{leg.symbol}: {why}.")
    return Send(due, limit_for(leg, children, now=now, quote=quote))


def _may_send(tactic: Tactic, children: Sequence[Child], now: datetime) -> bool:
    """Whether another part may be sent; the last one is kept for the final action."""
    kept = 0 if tactic.final == "leave" or is_final_phase(tactic, now) else 1
    return len(children) + kept < tactic.most_children or not children


def _is_protected(leg: Leg, children: Sequence[Child]) -> bool:
    """Whether the broker holds a stop or target of a part that was filled.

    A further part would bring a second pair of exits, and taking one back would shrink the first.
    """
    exits = leg.stop_loss_price is not None or leg.take_profit_price is not None
    return exits and filled_by(children) > 0


def _in_vain(children: Sequence[Child]) -> int:
    """How many of the newest parts in a row stayed without a fill."""
    count = 0
    for child in reversed(children):
        if child.order.filled_quantity > 0:
            break
        count += 1
    return count


def _offset_bps(tactic: Tactic, quote: QuoteNow, middle: Decimal) -> Decimal:
    spread = _ZERO
    if quote.bid is not None and quote.ask is not None and not quote.is_stub:
        spread = max(quote.ask - quote.bid, _ZERO) / middle * _BPS
    return max(
        tactic.offset_bps,
        tactic.spread_share * spread,
        tactic.volatility_share * tactic.volatility * _BPS,
    )


def _whole(quantity: Decimal) -> Decimal:
    return quantity.to_integral_value(rounding=ROUND_DOWN)
