"""A stop that gave way to a sale comes back for what the sale leaves: it shrinks, never vanishes.

The shares of a working stop cannot be sold by another order, so that it is cancelled first
(`trading.attached`). Once the sale is on its way, a new stop at the price that was signed takes
its place, for what is held beyond the sale and at most for what was signed. When a sale ends
unfilled, its shares get theirs back. It looks at what is, so that whoever dies here is followed.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from trading.broker import Broker
from trading.clock import DeskClock, MarketClock
from trading.errors import BrokerUnavailableError, StopError
from trading.ledger import Book, Ledger, Stamp
from trading.orders import Order
from trading.proposals import Leg
from trading.sending import Report, Sender, stamp, submit, tell_stopped
from trading.wording import shares

_ZERO = Decimal(0)


def restore_stops(
    ledger: Ledger,
    broker: Broker,
    *,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report | None = None,
) -> Report:
    """Send the stops that sales left too small, each once; nothing where none is owed.

    Each goes to the account and environment that it was signed for: where the broker's keys are
    those of another, it stays owed.

    Returns
    -------
    Report
        What was sent; never raises for a broker that is away: the next call asks again. Nor for
        one that tells of a stop what cannot be: that is alerted, and the others are sent.
    """
    report = Report() if report is None else report
    try:
        symbols = ledger.owed_stops()
        # Asked anew each time: the keys, or what they open, may have been changed since.
        account = broker.account().account_id if symbols else ""
        for symbol in symbols:
            for order in _intended(ledger, broker, symbol, account, sender, desk, market):
                _send(ledger, broker, order, sender, desk, market, report)
    except BrokerUnavailableError as e:
        report.problem = str(e)
    return report


def _intended(
    ledger: Ledger,
    broker: Broker,
    symbol: str,
    account: str,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
) -> Sequence[Order]:
    # Sales before positions: a fill between the two makes the stop too small until the next
    # look, never too large.
    closing = ledger.closing_shares(symbol)
    is_open = broker.clock().is_open
    position = next((one for one in broker.positions() if one.symbol == symbol), None)
    return ledger.intend_stops(
        symbol,
        book=Book(sender.environment, account),
        held=_ZERO if position is None else position.quantity,
        price=None if position is None else position.market_price,
        closing=closing,
        is_open=is_open,
        owner=sender.owner,
        build=sender.build,
        lease_until=desk.now() + timedelta(seconds=sender.limits.lease_seconds),
        at=stamp(desk, market),
    )


def _send(
    ledger: Ledger,
    broker: Broker,
    order: Order,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
) -> None:
    sender.reached("stop_intended")
    try:
        submit(ledger, broker, order, sender, desk, market, report, reduces=True)
    except StopError as e:
        tell_stopped(ledger, order.client_order_id, e, desk, market)
    ledger.release_order(order.client_order_id, owner=sender.owner)
    if order.client_order_id in report.rejected:
        _tell(
            ledger,
            order.symbol,
            f"The broker refused the stop for {shares(order.quantity)} {order.symbol} that a sale "
            "left unprotected. Sell them.",
            stamp(desk, market),
        )


def tell_unprotected(ledger: Ledger, leg: Leg, *, why: str, at: Stamp) -> None:
    """Tell people that what they signed to protect a position does not: it was not taken or sent.

    Of any other leg nothing is told, nor where another stop covers the shares or they are being
    sold.

    Parameters
    ----------
    why : str
        A sentence: what denied it, or the broker's answer.
    """
    bare = min(ledger.without_stop(leg.symbol, leg.side), leg.quantity) if leg.protects else _ZERO
    if bare > 0:
        _tell(
            ledger,
            leg.symbol,
            f"{shares(bare)} {leg.symbol} have no stop by the order that was signed for "
            f"them. {why} Protect them anew under Approvals, or sell them.",
            at,
        )


def _tell(ledger: Ledger, symbol: str, message: str, at: Stamp) -> None:
    ledger.alert(kind="stop_refused", subject=symbol, message=message, severity="critical", at=at)
