"""Has the desk lost too much, or is it sending too fast? Loss, drawdown, risk, pace, pauses."""

from decimal import ROUND_DOWN, Decimal

from trading.checks.answer import Answer, Measure, no, unknown, worst, yes
from trading.checks.exposure import drawdown
from trading.picture import AccountNow, Picture
from trading.proposals import Leg
from trading.wording import percent

ZERO = Decimal(0)


def losses(picture: Picture, leg: Leg) -> Answer:
    """17: loss of the day, drawdown, value at risk if known, risk to the stop."""
    account = picture.account
    if account is None or account.last_equity is None or account.peak is None:
        return unknown("what the desk lost today and from its peak")
    return worst(
        [
            _day(picture, account),
            _drawdown(picture, account),
            _value_at_risk(picture),
            *_stop_risk(picture, leg, account),
        ]
    )


def pace(picture: Picture, leg: Leg) -> Answer:
    """18: orders of the last minute, of the day, of the symbol."""
    sent = picture.activity
    if sent is None:
        return unknown("what was sent lately")
    limits = picture.limits
    of_symbol = sent.symbol_today.get(leg.symbol, 0)
    return worst(
        [
            _counted("in the last minute", sent.last_minute, limits.orders_per_minute, later=True),
            _counted("today", sent.today, limits.orders_per_day),
            _counted(f"in {leg.symbol} today", of_symbol, limits.symbol_orders_per_day),
        ]
    )


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


def _value_at_risk(picture: Picture) -> Answer:
    figure, limit = picture.value_at_risk, picture.limits.value_at_risk
    if figure is None:
        return yes("Value at risk was not computed for this order.")
    figures = Measure(figure, limit, "fraction")
    if figure > limit:
        return no(
            f"One-day 99 % value at risk would be {percent(figure)}; "
            f"the limit is {percent(limit)}.",
            of=figures,
        )
    return yes(f"One-day 99 % value at risk would be {percent(figure)}.", of=figures)


def _stop_risk(picture: Picture, leg: Leg, account: AccountNow) -> list[Answer]:
    if leg.stop_loss_price is None or account.equity <= 0:
        return []
    each = abs(leg.worst_price - leg.stop_loss_price)
    risk, limit = leg.quantity * each / account.equity, picture.limits.trade_risk
    figures = Measure(risk, limit, "fraction")
    answers = [yes(f"Risk to the stop is {percent(risk, decimals=2)}.", of=figures)]
    if risk > limit:
        fits = (limit * account.equity / each).to_integral_value(rounding=ROUND_DOWN)
        answers = [
            no(
                f"Risk to the stop would be {percent(risk, decimals=2)} of equity; the limit is "
                f"{percent(limit)}.",
                fits=fits if fits > 0 else None,
                of=figures,
            )
        ]
    if picture.open_stop_risk is not None:
        together = picture.open_stop_risk / account.equity + risk
        most = picture.limits.open_risk
        if together > most:
            answers.append(
                no(
                    f"Risk to all stops would be {percent(together)}; "
                    f"the limit is {percent(most)}.",
                    of=Measure(together, most, "fraction"),
                )
            )
    return answers


def _counted(when: str, sent: int, limit: int, *, later: bool = False) -> Answer:
    figures = Measure(Decimal(sent + 1), Decimal(limit), "count")
    if sent + 1 > limit:
        return no(
            f"It would be order {sent + 1} {when}; the limit is {limit}.", later=later, of=figures
        )
    return yes(f"It would be order {sent + 1} of {limit} {when}.", of=figures)
