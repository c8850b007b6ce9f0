"""Has the desk lost too much, or is it sending too fast? Loss, drawdown, risk, pace, pauses."""

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

import numpy as np

from quant.risk import value_at_risk
from trading.canonical import figure
from trading.checks.answer import Answer, Measure, caution, no, unknown, worst, yes
from trading.checks.exposure import book_after, drawdown
from trading.checks.permission import reduces
from trading.picture import AccountNow, Picture
from trading.proposals import Leg
from trading.wording import percent

ZERO = Decimal(0)

_LEVEL = 0.99
FEWEST_RETURNS = 100  # below them, one case in a hundred has not been seen once


def losses(picture: Picture, leg: Leg) -> Answer:
    """17: loss of the day, drawdown, value at risk after the trade, risk to the stops."""
    account = picture.account
    if account is None or account.last_equity is None or account.peak is None:
        return unknown("what the desk lost today and from its peak")
    return worst(
        [
            _day(picture, account),
            _drawdown(picture, account),
            _value_at_risk(picture, leg, account),
            *_stop_risk(picture, leg, account),
        ]
    )


def pace(picture: Picture, leg: Leg) -> Answer:
    """18: orders of the last minute, of the day, of the symbol.

    An order that only reduces waits for the minute, and passes the counts of the day.
    """
    sent = picture.activity
    if sent is None:
        return unknown("what was sent lately")
    limits = picture.limits
    of_symbol = sent.symbol_today.get(leg.symbol, 0)
    of_day = [
        _counted("today", sent.today, limits.orders_per_day),
        _counted(f"in {leg.symbol} today", of_symbol, limits.symbol_orders_per_day),
    ]
    if reduces(picture, leg):
        of_day = [_let_out(answer) for answer in of_day]
    of_minute = _counted(
        "in the last minute", sent.last_minute, limits.orders_per_minute, passing=True
    )
    return worst([of_minute, *of_day])


def pauses(picture: Picture, leg: Leg) -> Answer:
    """24: the strategy is not paused after losses in a row."""
    row = picture.consecutive_losses
    if row is None:
        return unknown("how many losses in a row the strategy had")
    limit = picture.limits.consecutive_losses
    figures = Measure(Decimal(row), Decimal(limit), "count")
    if row >= limit:
        return no(f"The strategy lost {row} times in a row; {limit} pause it.", of=figures)
    return yes(f"{row} losses in a row.", of=figures)


def _day(picture: Picture, account: AccountNow) -> Answer:
    marks = [mark for mark in (account.last_equity, account.day_high) if mark is not None]
    worse = max(marks)
    lost = max((worse - account.equity) / worse, ZERO) if worse > 0 else ZERO
    limit = picture.limits.daily_loss_pause
    figures = Measure(lost, limit, "fraction")
    if lost >= limit:
        return no(
            f"The desk lost {percent(lost)} today; {percent(limit)} pause entries.", of=figures
        )
    return yes(f"The desk lost {percent(lost)} today.", of=figures)


def _drawdown(picture: Picture, account: AccountNow) -> Answer:
    fallen = drawdown(account) or ZERO
    limit = picture.limits.drawdown_reduce
    figures = Measure(fallen, limit, "fraction")
    if fallen >= limit:
        return no(
            f"Equity is {percent(fallen)} below its peak; the limit is {percent(limit)}.",
            of=figures,
        )
    return yes(f"Equity is {percent(fallen)} below its peak.", of=figures)


def _value_at_risk(picture: Picture, leg: Leg, account: AccountNow) -> Answer:
    """Judge the loss that the book's past sessions exceeded once in a hundred."""
    if picture.returns is None:
        return caution("Value at risk after the trade was not computed here.")
    book = book_after(picture, leg)
    if book is None or account.equity <= 0:
        return unknown("the book's prices")
    short = [s for s, v in book.items() if v and _observations(picture, s) < FEWEST_RETURNS]
    if short:
        return unknown(f"{FEWEST_RETURNS} past returns of {short[0]}")
    weighted = [float(v / account.equity) * picture.returns[s] for s, v in book.items() if v]
    lost = figure(max(value_at_risk(np.sum(weighted, axis=0), level=_LEVEL), 0.0))
    limit = picture.limits.value_at_risk
    figures = Measure(lost, limit, "fraction")
    said = f"One-day 99 % value at risk would be {percent(lost)}"
    if lost > limit:
        return no(f"{said}; the limit is {percent(limit)}.", of=figures)
    return yes(f"{said}.", of=figures)


def _observations(picture: Picture, symbol: str) -> int:
    past = (picture.returns or {}).get(symbol)
    return 0 if past is None else int(past.size)


def risk_per_share(picture: Picture, leg: Leg) -> Decimal:
    """Return USD a share that count as risk: the way to the stop, or all if it needs one.

    Risk is limited to the stop, and stops are signed with their entry. A model's sizes rest on
    that stop, so its entry without one risks all it costs. A person may enter an order without
    one: the card says that no order bounds its loss, and the position limit does.
    """
    if reduces(picture, leg):
        return ZERO
    if leg.stop_loss_price is not None:
        return abs(leg.worst_price - leg.stop_loss_price)
    return leg.worst_price if picture.stop_demanded else ZERO


def _stop_risk(picture: Picture, leg: Leg, account: AccountNow) -> list[Answer]:
    if account.equity <= 0 or reduces(picture, leg):
        return []
    if picture.open_stop_risk is None:
        return [unknown("the risk to all open stops")]
    each = risk_per_share(picture, leg)
    risk = leg.quantity * each / account.equity
    together = picture.open_stop_risk / account.equity + risk
    return [
        _within("Risk to the stop", risk, picture.limits.trade_risk, account, each),
        _within("Risk to all stops", together, picture.limits.open_risk),
    ]


def _within(
    name: str,
    risk: Decimal,
    limit: Decimal,
    account: AccountNow | None = None,
    each: Decimal = ZERO,
) -> Answer:
    figures = Measure(risk, limit, "fraction")
    said = f"{name} would be {percent(risk, decimals=2)} of equity"
    if risk <= limit:
        return yes(f"{said}.", of=figures)
    fits = ZERO
    if account is not None and each > 0:
        fits = (limit * account.equity / each).to_integral_value(rounding=ROUND_DOWN)
    sentence = f"{said}; the limit is {percent(limit)}."
    return no(sentence, fits=fits if fits > 0 else None, of=figures)


def _let_out(answer: Answer) -> Answer:
    """A count of the day never traps a position: what only reduces cannot go on for ever."""
    if answer.passed:
        return answer
    sentence = f"{answer.sentence} It passes because it only reduces a position."
    return replace(answer, passed=True, warning=True, sentence=sentence)


def _counted(when: str, sent: int, limit: int, *, passing: bool = False) -> Answer:
    figures = Measure(Decimal(sent + 1), Decimal(limit), "count")
    if sent + 1 > limit:
        return no(
            f"It would be order {sent + 1} {when}; the limit is {limit}.",
            deferred=passing,
            of=figures,
        )
    return yes(f"It would be order {sent + 1} of {limit} {when}.", of=figures)
