"""How large does it make the book? Position, exposure, money, shorts."""

from collections import defaultdict
from decimal import ROUND_DOWN, Decimal

from trading.checks.answer import Answer, Measure, no, unknown, worst, yes
from trading.orders import Side
from trading.picture import AccountNow, Picture
from trading.proposals import Leg
from trading.wording import money, percent, shares

ZERO = Decimal(0)
_DAY_TRADER_EQUITY = Decimal(25_000)  # USD
_DAY_TRADES = 3  # of five sessions that an account with less may make


def position_size(picture: Picture, leg: Leg) -> Answer:
    """13: the symbol's share of equity, if all own open orders were filled too."""
    account = picture.account
    if account is None or account.equity <= 0:
        return unknown("the account's equity")
    if picture.positions is None or picture.working is None:
        return unknown("positions and open orders")
    cap = position_cap(picture)
    each = counted_price(picture, leg)
    before = _value(picture, leg.symbol, leg.side)
    towards = before if leg.side == "buy" else -before
    share = abs(towards + leg.quantity * each) / account.equity
    figures = Measure(share, cap, "fraction")
    if share > cap:
        fits = ((cap * account.equity - towards) / each).to_integral_value(rounding=ROUND_DOWN)
        return no(
            f"It would be {percent(share)} of equity; the limit for one position is "
            f"{percent(cap)}.",
            fits=fits if 0 < fits < leg.quantity else None,
            of=figures,
        )
    return yes(f"It would be {percent(share)} of equity.", of=figures)


def position_cap(picture: Picture) -> Decimal:
    """Return the largest share of equity one position may have here."""
    limits = picture.limits
    cap = limits.position_share
    advisory = picture.model is not None and picture.model.status != "champion"
    if advisory and not picture.by_hand:
        embedded = picture.environment == "replay"
        cap = min(cap, limits.advisory_position if embedded else limits.advisory_position_connected)
    fallen = drawdown(picture.account)
    if fallen is not None and fallen >= limits.drawdown_halve:
        cap /= 2
    return min(cap, limits.position_ceiling)


def drawdown(account: AccountNow | None) -> Decimal | None:
    """Return how far equity is below its peak as a fraction; None when not known."""
    if account is None or account.peak is None or account.peak <= 0:
        return None
    return max((account.peak - account.equity) / account.peak, ZERO)


def exposure(picture: Picture, leg: Leg) -> Answer:
    """14: gross, net, beta, sector, number of positions, money, and the day-trade rule."""
    account = picture.account
    if account is None or account.equity <= 0:
        return unknown("the account's equity")
    held = sorted(picture.positions or {})
    unpriced = [symbol for symbol in held if picture.market_price(symbol) is None]
    if unpriced:
        return unknown(f"the price of the {unpriced[0]} that is held")
    book = book_after(picture, leg)
    if book is None:
        return unknown("positions, open orders and their prices")
    return worst(
        [
            _gross(picture, book, account),
            _net(picture, book, account),
            _sector(picture, leg, book, account),
            _count(picture, book),
            _money(picture, leg, account),
            _day_trades(account),
        ]
    )


def short(picture: Picture, leg: Leg) -> Answer:
    """15: a short sale is of an easily borrowed symbol, whole shares, never through zero."""
    if picture.positions is None or picture.working is None:
        return unknown("positions and open orders")
    held = picture.held(leg.symbol)
    after = _after(picture, leg, leg.quantity)
    if leg.side == "buy" or after >= 0:
        return _no_short(picture, leg)
    if held > 0:
        return no(
            f"It would sell {shares(leg.quantity)} with {shares(held)} held: through zero takes "
            "two orders.",
            of=Measure(leg.quantity, held, "shares"),
            fits=max(held - picture.working_shares(leg.symbol, "sell"), ZERO) or None,
        )
    asset = picture.assets.get(leg.symbol)
    if asset is None:
        return unknown(f"whether {leg.symbol} can be borrowed")
    if not (asset.shortable and asset.easy_to_borrow):
        return no(f"{leg.symbol} is not easy to borrow.")
    return _short_share(picture, leg)


def _no_short(picture: Picture, leg: Leg) -> Answer:
    short_by = -picture.held(leg.symbol)
    left = short_by - picture.working_shares(leg.symbol, "buy")
    if leg.side == "buy" and short_by > 0 and leg.quantity > left:
        return no(
            f"It would buy {shares(leg.quantity)} with {shares(short_by)} short, open orders "
            "counted: through zero takes two orders.",
            of=Measure(leg.quantity, max(left, ZERO), "shares"),
            fits=left if left > 0 else None,
        )
    return yes("It sells nothing short.")


def _short_share(picture: Picture, leg: Leg) -> Answer:
    book = book_after(picture, leg)
    if book is None:
        return unknown("the book's prices")
    gross = sum((abs(value) for value in book.values()), ZERO)
    shorts = -sum((value for value in book.values() if value < 0), ZERO)
    share = shorts / gross if gross else ZERO
    limit = picture.limits.short_share
    figures = Measure(share, limit, "fraction")
    if share > limit:
        return no(
            f"Shorts would be {percent(share)} of gross exposure; the limit is {percent(limit)}.",
            of=figures,
        )
    return yes(f"Shorts would be {percent(share)} of gross exposure.", of=figures)


def _after(picture: Picture, leg: Leg, quantity: Decimal) -> Decimal:
    """Shares held if this and every open order on its side were filled."""
    working = picture.working_shares(leg.symbol, leg.side) + quantity
    return picture.held(leg.symbol) + (working if leg.side == "buy" else -working)


def counted_price(picture: Picture, leg: Leg) -> Decimal:
    """Return USD per share that the order counts for once it is filled.

    A buyer pays its limit at most. What is sold short is owed at the market's price, however low
    the limit, and an order without a limit is filled there.
    """
    if leg.side == "buy" and leg.limit_price is not None:
        return leg.limit_price
    return max(leg.worst_price, picture.market_price(leg.symbol) or ZERO)


def book_after(picture: Picture, leg: Leg) -> dict[str, Decimal] | None:
    """Return signed USD by symbol in the worse case: every order that enlarges a position filled.

    What is held counts at the market's price. None when positions, open orders or a price of
    them are not known.
    """
    if picture.positions is None or picture.working is None:
        return None
    symbols = {*picture.positions, *(o.symbol for o in picture.working), leg.symbol}
    bought, sold = _ordered(picture)
    side = bought if leg.side == "buy" else sold
    side[leg.symbol] += leg.quantity * counted_price(picture, leg)
    book: dict[str, Decimal] = {}
    for symbol in sorted(symbols):
        market = picture.market_price(symbol)
        if market is None and picture.held(symbol):
            return None
        if market is None and symbol != leg.symbol and _price(picture, symbol) is None:
            return None
        held = picture.held(symbol) * (market or ZERO)
        book[symbol] = max(held + bought[symbol], held - sold[symbol], key=abs)
    return book


def _ordered(picture: Picture) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """USD of the own open orders by symbol: what is bought, and what is sold."""
    bought: dict[str, Decimal] = defaultdict(Decimal)
    sold: dict[str, Decimal] = defaultdict(Decimal)
    for order in picture.working or ():
        if order.attached:
            continue
        if order.side == "buy":
            bought[order.symbol] += order.leaves * order.price
        else:
            market = picture.market_price(order.symbol) or ZERO
            sold[order.symbol] += order.leaves * max(order.price, market)
    return bought, sold


def _value(picture: Picture, symbol: str, side: Side) -> Decimal:
    """Signed USD in a symbol if every own open order on one side were filled."""
    market = picture.market_price(symbol) or ZERO
    held = picture.held(symbol) * market
    orders = [o for o in picture.working or () if (o.symbol, o.side) == (symbol, side)]
    if side == "buy":
        return held + sum((o.leaves * o.price for o in orders if not o.attached), ZERO)
    return held - sum((o.leaves * max(o.price, market) for o in orders if not o.attached), ZERO)


def _price(picture: Picture, symbol: str) -> Decimal | None:
    known = picture.market_price(symbol)
    if known is not None:
        return known
    priced = (o.price for o in picture.working or () if o.symbol == symbol and o.price > 0)
    return next(priced, None)


def _gross(picture: Picture, book: dict[str, Decimal], account: AccountNow) -> Answer:
    share = sum((abs(value) for value in book.values()), ZERO) / account.equity
    return _judged("Gross exposure", share, picture.limits.gross_exposure)


def _net(picture: Picture, book: dict[str, Decimal], account: AccountNow) -> Answer:
    net = abs(sum(book.values(), ZERO)) / account.equity
    one = Decimal(1)
    weighted = sum((value * picture.betas.get(s, one) for s, value in book.items()), ZERO)
    return worst(
        [
            _judged("Net exposure", net, picture.limits.net_exposure),
            _judged("Beta exposure", abs(weighted) / account.equity, picture.limits.beta_exposure),
        ]
    )


def _sector(picture: Picture, leg: Leg, book: dict[str, Decimal], account: AccountNow) -> Answer:
    sector = picture.sectors.get(leg.symbol)
    if sector is None:
        return unknown(f"{leg.symbol}'s sector")
    inside = [abs(v) for symbol, v in book.items() if picture.sectors.get(symbol) == sector]
    share = sum(inside, ZERO) / account.equity
    return _judged(f"The sector {sector}", share, picture.limits.sector_share)


def _count(picture: Picture, book: dict[str, Decimal]) -> Answer:
    count, limit = sum(1 for value in book.values() if value), picture.limits.positions
    figures = Measure(Decimal(count), Decimal(limit), "count")
    if count > limit:
        return no(f"It would be position {count}; the limit is {limit}.", of=figures)
    return yes(f"It would be one of {count} positions.", of=figures)


def _money(picture: Picture, leg: Leg, account: AccountNow) -> Answer:
    if leg.side == "sell":  # short: the broker asks for margin, not for cash
        return _power(picture, leg, account)
    bought = [o for o in picture.working or () if o.side == "buy"]
    committed = sum((o.leaves * o.price for o in bought), ZERO)
    needed = committed + leg.notional
    settled = account.cash if account.settled_cash is None else account.settled_cash
    # The broker has set aside buying power for its open orders already; cash it has not.
    limit = min(account.buying_power + committed, max(settled, ZERO))
    figures = Measure(needed, limit, "USD")
    if needed > limit:
        fits = ((limit - committed) / leg.worst_price).to_integral_value(rounding=ROUND_DOWN)
        return no(
            f"It needs {money(needed)} with open orders; {money(limit)} settled are there.",
            fits=fits if fits > 0 else None,
            of=figures,
        )
    return yes(f"It needs {money(needed)} of {money(limit)}.", of=figures)


def _power(picture: Picture, leg: Leg, account: AccountNow) -> Answer:
    each = counted_price(picture, leg)
    needed, limit = leg.quantity * each, max(account.buying_power, ZERO)
    figures = Measure(needed, limit, "USD")
    if needed > limit:
        fits = (limit / each).to_integral_value(rounding=ROUND_DOWN)
        return no(
            f"It needs {money(needed)} of buying power; {money(limit)} are there.",
            fits=fits if fits > 0 else None,
            of=figures,
        )
    return yes(f"It needs {money(needed)} of {money(limit)} buying power.", of=figures)


def _day_trades(account: AccountNow) -> Answer:
    """FINRA rule 4210(f)(8)(B): a fourth day trade in five sessions takes 25,000 USD of equity.

    With three made, what is opened now could not be closed before the next session, its stop
    neither: the broker would refuse it, or bar the account.
    """
    if account.equity >= _DAY_TRADER_EQUITY:
        return yes(f"Day trades need {money(_DAY_TRADER_EQUITY)} of equity, which are there.")
    if account.day_trades is None:
        return unknown("how many day trades the account made")
    figures = Measure(Decimal(account.day_trades), Decimal(_DAY_TRADES), "count")
    if account.day_trades >= _DAY_TRADES:
        return no(
            f"The account made {account.day_trades} day trades in five sessions with less than "
            f"{money(_DAY_TRADER_EQUITY)} of equity: what is opened now could not be closed today.",
            of=figures,
        )
    return yes(f"{account.day_trades} day trades in five sessions.", of=figures)


def _judged(name: str, share: Decimal, limit: Decimal) -> Answer:
    figures = Measure(share, limit, "fraction")
    if share > limit:
        return no(f"{name} would be {percent(share)}; the limit is {percent(limit)}.", of=figures)
    return yes(f"{name} would be {percent(share)} of equity.", of=figures)
