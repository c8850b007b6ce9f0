"""Is the order itself sound? Asset, session, quantity, price, size, repetition."""

from decimal import ROUND_DOWN, Decimal

from trading.checks import protection
from trading.checks.answer import Answer, Measure, no, unknown, worst, yes
from trading.checks.permission import reduces
from trading.orders import STOPS
from trading.picture import Picture, QuoteNow, WorkingOrder, spread
from trading.proposals import Leg
from trading.wording import money, percent, price, shares

TIMES_IN_FORCE = ("day", "gtc", "ioc", "fok", "opg", "cls")
ORDER_TYPES = ("market", "limit", *STOPS)

_RESTING = frozenset(STOPS)  # no price until triggered


def tradable(picture: Picture, leg: Leg) -> Answer:
    """8: the broker trades the symbol, the desk has not restricted it, the account is open."""
    asset = picture.assets.get(leg.symbol)
    if asset is None:
        return unknown(f"whether {leg.symbol} can be traded")
    if leg.symbol in picture.restricted:
        return no(f"{leg.symbol} is on the desk's restricted list.")
    if not asset.tradable:
        return no(f"{leg.symbol} cannot be traded at this broker.")
    answer = account_open(picture, leg)
    return yes(f"{leg.symbol} can be traded.") if answer.passed else answer


def account_open(picture: Picture, leg: Leg) -> Answer:
    """8, without the symbol: the broker has not blocked the account."""
    if picture.account is None:
        return unknown("whether the account is open for trading")
    if picture.account.blocked:
        return no("The account is blocked by the broker.", later=True)
    return yes("The account is open for trading.")


def session(picture: Picture, leg: Leg) -> Answer:
    """9: the order type and time in force are known and the market is open for them."""
    known = leg.time_in_force in TIMES_IN_FORCE and leg.order_type in ORDER_TYPES
    if not known or not protection.is_known(leg):
        named = "/".join(filter(None, (leg.order_class, leg.order_type, leg.time_in_force)))
        return no(f"{named} is no order the desk knows.")
    market = picture.market
    if market is None:
        return unknown("the market's time")
    if market.is_open == (leg.time_in_force != "opg"):
        return yes("The market is open." if market.is_open else "It joins the next opening.")
    if market.is_open:
        return no("An order for the opening came after it.", deferred=True)
    return no("The market is closed.", deferred=True)


def quantity(picture: Picture, leg: Leg) -> Answer:
    """10: whole unless fractions are allowed, and not beyond the maximum.

    That it is finite and positive was asked before any check.
    """
    asset = picture.assets.get(leg.symbol)
    if asset is None:
        return unknown(f"whether {leg.symbol} trades in fractions")
    limit = picture.limits.order_quantity
    figures = Measure(leg.quantity, limit, "shares")
    if leg.quantity > limit:
        return no(
            f"{shares(leg.quantity)} shares; at most {shares(limit)} pass.", fits=limit, of=figures
        )
    whole = leg.quantity == leg.quantity.to_integral_value()
    plain = leg.time_in_force == "day" and leg.stop_loss_price is None
    if not whole and not (asset.fractionable and plain):
        return no(
            "Only a plain day order may be for a fraction of a share.",
            fits=_down(leg.quantity),
            of=figures,
        )
    return yes(f"{shares(leg.quantity)} shares.", of=figures)


def collar(picture: Picture, leg: Leg) -> Answer:
    """11: a fresh quote stands, and every price lies on a tick and within the collar of it."""
    quote = picture.quotes.get(leg.symbol)
    at = None if quote is None else quote.price
    # Nobody quotes while the market is closed; while it is open, no quote means no order.
    closed = picture.market is not None and not picture.market.is_open
    if quote is not None and at is None and quote.is_stub:
        return _stub(picture, leg.symbol, quote, deferred=closed)
    if quote is None or at is None:
        return unknown(f"{leg.symbol}'s quote", deferred=closed)
    oldest = picture.limits.quote_age_seconds
    if quote.age_seconds > oldest:
        return no(
            f"{leg.symbol}'s quote is {quote.age_seconds} s old; at most {oldest} s pass.",
            of=Measure(Decimal(quote.age_seconds), Decimal(oldest), "seconds"),
            later=True,
            deferred=closed,
        )
    unsound = _unsound_price(leg) or (None if leg.protects else _wrong_side(leg))
    if unsound is not None:
        return no(unsound)
    if leg.protects:
        return protection.around(picture.limits, leg, at)
    return _within_collar(picture.limits.collar, leg, at)


def _stub(picture: Picture, symbol: str, quote: QuoteNow, *, deferred: bool) -> Answer:
    """Deny what nobody prices: bid and ask are there, and their middle is no price."""
    assert quote.bid is not None
    assert quote.ask is not None
    apart, limit = spread(quote.bid, quote.ask) or Decimal(0), picture.limits.collar
    waits = " It waits for a better one." if picture.sending else ""
    return no(
        f"{symbol} is quoted at {price(quote.bid)} to {price(quote.ask)}, {percent(apart)} apart: "
        f"a quote wider than {percent(limit)} is no price.{waits}",
        of=Measure(apart, limit, "fraction"),
        later=True,
        deferred=deferred,
    )


def _unsound_price(leg: Leg) -> str | None:
    """Say which price is missing or off its tick; None when all are sound."""
    given = (leg.limit_price, leg.stop_price, leg.take_profit_price, leg.stop_loss_price)
    asked = [p for p in (*given, leg.trail_price) if p is not None]
    off = [p for p in asked if p % _tick(p)]
    if off:
        return f"{price(off[0])} is not a whole tick of {_tick(off[0])}."
    if "limit" in leg.order_type and leg.limit_price is None:
        return "A limit order needs a limit price."
    if leg.order_type in {"stop", "stop_limit"} and leg.stop_price is None:
        return "A stop order needs a stop price."
    return None


def _wrong_side(leg: Leg) -> str | None:
    """Say which exit of an entry would end it at once; None when both make sense."""
    exits = (leg.take_profit_price, leg.stop_loss_price)
    target, stop = exits if leg.side == "buy" else exits[::-1]
    if stop is not None and stop >= leg.worst_price:
        return f"{price(stop)} is not below the price of the order, {price(leg.worst_price)}."
    if target is not None and target <= leg.worst_price:
        return f"{price(target)} is not above the price of the order, {price(leg.worst_price)}."
    return None


def _within_collar(limit: Decimal, leg: Leg, at: Decimal) -> Answer:
    wanted = leg.limit_price if leg.limit_price is not None else at
    away = abs(wanted / at - 1)
    figures = Measure(away, limit, "fraction")
    if away > limit:
        return no(
            f"The limit {price(wanted)} is {percent(away)} from the last price {price(at)}; "
            f"at most {percent(limit)} pass.",
            of=figures,
        )
    return yes(f"{percent(away, decimals=2)} from the last price {price(at)}.", of=figures)


def order_size(picture: Picture, leg: Leg) -> Answer:
    """12: notional, and the share of an average session's volume."""
    limit = picture.limits.order_notional
    most = [_notional_answer(leg, limit)]
    volume = picture.average_volume.get(leg.symbol)
    if volume is None or volume <= 0:
        return worst([*most, unknown(f"{leg.symbol}'s average volume")])
    share, cap = leg.quantity / volume, picture.limits.order_volume_share
    figures = Measure(share, cap, "fraction")
    if share > cap:
        most.append(
            no(
                f"{percent(share, decimals=2)} of an average session's volume; at most "
                f"{percent(cap)} pass.",
                fits=_down(volume * cap),
                of=figures,
            )
        )
    return worst(most)


def _notional_answer(leg: Leg, limit: Decimal) -> Answer:
    figures = Measure(leg.notional, limit, "USD")
    if leg.notional > limit:
        return no(
            f"It is for {money(leg.notional)}; one order may be for {money(limit)}.",
            fits=_down(limit / leg.worst_price),
            of=figures,
        )
    return yes(f"It is for {money(leg.notional)}.", of=figures)


def options(picture: Picture, leg: Leg) -> Answer:
    """16: no options yet."""
    asset = picture.assets.get(leg.symbol)
    if asset is None:
        return unknown(f"what kind of asset {leg.symbol} is")
    if asset.kind != "us_equity":
        return no(f"{leg.symbol} is a {asset.kind}; the desk trades shares only.")
    return yes("It is a share, not an option.")


def duplicate(picture: Picture, leg: Leg) -> Answer:
    """19: not the same symbol, side and quantity again within minutes.

    What only reduces is not trapped by it: it waits for the end of the window instead of ending,
    and goes at once where the other ended without a share, or was signed with it as one proposal
    (two stops for the same number of shares).
    """
    if picture.activity is None:
        return unknown("what was sent lately")
    window = picture.limits.duplicate_window_minutes * 60
    reducing = reduces(picture, leg)
    for order in picture.activity.recent:
        together = order.proposal_id == picture.proposal_id
        if together and (reducing or order.leg_no == leg.leg_no):
            continue  # of this very leg it is an earlier attempt, whose end the ledger knows
        if reducing and order.in_vain:
            continue
        same = (order.symbol, order.side, order.quantity) == (leg.symbol, leg.side, leg.quantity)
        if same and order.age_seconds <= window:
            return no(
                f"The same order ({leg.side} {shares(leg.quantity)} {leg.symbol}) was sent "
                f"{order.age_seconds} s ago; {window} s must pass.",
                of=Measure(Decimal(order.age_seconds), Decimal(window), "seconds"),
                later=reducing,
            )
    return yes("No such order was sent lately.")


def self_cross(picture: Picture, leg: Leg) -> Answer:
    """20: it cannot trade against an own open order; one that only reduces waits for its end."""
    if picture.working is None:
        return unknown("the own open orders")
    for other in picture.working:
        if other.symbol == leg.symbol and other.side != leg.side and _crosses(leg, other):
            return no(
                f"It could trade against an own open order: {other.side} {shares(other.leaves)} "
                f"{other.symbol} at {price(other.price)}.",
                later=reduces(picture, leg),
            )
    return yes("It meets no own open order.")


def _crosses(leg: Leg, other: WorkingOrder) -> bool:
    # A broker refuses a plain order against any own order on the other side that has no limit
    # price yet, as a possible wash trade; one that brings its own stop or target it takes.
    plain = leg.stop_loss_price is None and leg.take_profit_price is None
    if other.order_type in _RESTING:
        return plain
    if leg.order_type in _RESTING:
        return plain and other.order_type == "market"
    if leg.limit_price is None or other.order_type == "market":
        return True
    if leg.side == "buy":
        return leg.limit_price >= other.price
    return leg.limit_price <= other.price


def _tick(at: Decimal) -> Decimal:
    """Regulation NMS rule 612: a cent from a dollar up, a hundredth of a cent below."""
    return Decimal("0.01") if at >= 1 else Decimal("0.0001")


def _down(value: Decimal) -> Decimal | None:
    """Whole shares that fit; None when not even one does."""
    fits = value.to_integral_value(rounding=ROUND_DOWN)
    return fits if fits > 0 else None
