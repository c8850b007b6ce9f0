"""The pre-trade verdict: a table of check x {opening, reducing}, applied leg after leg."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from trading.checks import exposure, loss, order, permission
from trading.checks.answer import Answer
from trading.picture import AccountNow, Activity, Picture, RecentOrder, WorkingOrder
from trading.proposals import CheckResult, Leg

Question: TypeAlias = Callable[[Picture, Leg], Answer]


@dataclass(frozen=True)
class Check:
    """One row of the table.

    `reducing` says what a no means for an order that can only reduce a position: ``deny``,
    ``warn`` (it passes with a warning, so that bad data or a loss never traps a position) or
    ``skip`` (the question is about growing).
    """

    number: int
    code: str  # why it was denied, as a word
    ask: Question
    reducing: str = "deny"


CHECKS = (
    Check(1, "signature_not_valid", permission.signature),
    Check(2, "signatory_not_allowed", permission.signatory),
    Check(3, "wrong_environment", permission.environment),
    Check(4, "trading_state", permission.trading_state),
    Check(5, "not_reconciled", permission.reconciliation),
    Check(6, "data_not_trusted", permission.data_quality, "warn"),
    Check(7, "model_not_allowed", permission.model, "warn"),
    Check(8, "not_tradable", order.tradable),
    Check(9, "session", order.session),
    Check(10, "quantity", order.quantity),
    Check(11, "price_too_far", order.collar),
    # A position may be larger than one order may be; it must still be possible to close it.
    Check(12, "order_too_large", order.order_size, "warn"),
    Check(13, "too_large", exposure.position_size, "skip"),
    Check(14, "exposure", exposure.exposure, "skip"),
    Check(15, "short_not_allowed", exposure.short),
    Check(16, "options_not_enabled", order.options),
    Check(17, "loss_limit", loss.losses, "warn"),
    Check(18, "too_many_orders", loss.pace),
    Check(19, "duplicate", order.duplicate),
    Check(20, "self_cross", order.self_cross),
    Check(21, "drifted", permission.drifted),
    Check(22, "build_differs", permission.build),
    Check(23, "not_reducing", permission.reduce_only),
    Check(24, "paused_after_losses", loss.pauses, "warn"),
)

# Asked when a person signs: the checks that need neither broker nor warehouse. Those of time,
# pace and signature are left out, because they are about the moment of sending.
KNOWN_TO_THE_LEDGER = tuple(
    replace(check, ask=order.account_open) if check.number == 8 else check
    for check in CHECKS
    if check.number in {3, 4, 8, 13, 14, 17, 19, 20, 23, 24}
)


def judge(
    picture: Picture, legs: Sequence[Leg], *, checks: Sequence[Check] = CHECKS
) -> tuple[CheckResult, ...]:
    """Return one result per check over all legs, each leg seen with those before it sent.

    Parameters
    ----------
    picture : Picture
        The desk before the first leg.
    legs : sequence of Leg
        At least one.
    checks : sequence of Check
        The questions to ask.

    Returns
    -------
    tuple of CheckResult
        In the order of `checks`; of several legs the worst answer of each check.

    Raises
    ------
    ValueError
        If there is no leg.
    """
    if not legs:
        raise ValueError("A verdict needs at least one leg, got none.")
    each = []
    for leg in legs:
        each.append(judge_leg(picture, leg, checks=checks))
        picture = with_sent(picture, leg)
    return tuple(min(results, key=_rank) for results in zip(*each, strict=True))


def judge_leg(
    picture: Picture, leg: Leg, *, checks: Sequence[Check] = CHECKS
) -> tuple[CheckResult, ...]:
    """Return the result of every check for one leg."""
    if not _is_countable(leg):
        nonsense = Answer(False, "Quantity and prices must be numbers > 0.")
        return tuple(_told(check, nonsense) for check in checks)
    reducing = permission.reduces(picture, leg)
    return tuple(_result(check, picture, leg, reducing=reducing) for check in checks)


def denials(results: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Return the results that deny."""
    return tuple(result for result in results if result.denies)


def gravest(results: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Return the denials that weigh most: lasting ones, else those that time alone may cure."""
    denied = denials(results)
    return tuple(result for result in denied if not result.later) or denied


def with_sent(picture: Picture, leg: Leg) -> Picture:
    """Return the picture as it would be with `leg` sent and not yet filled."""
    activity = None if picture.activity is None else _with_order(picture, picture.activity, leg)
    return replace(with_promised(picture, leg), activity=activity)


def with_promised(picture: Picture, leg: Leg) -> Picture:
    """Return the picture with `leg` taking its room and money, though nothing was sent yet."""
    working = picture.working
    if working is not None:
        working = (
            *working,
            WorkingOrder(
                symbol=leg.symbol,
                side=leg.side,
                leaves=leg.quantity,
                price=leg.limit_price or leg.stop_price or leg.reference_price,
                order_type=leg.order_type,
                proposal_id=picture.proposal_id,
                leg_no=leg.leg_no,
                attached=leg.protects,  # as it is once it works
                set_aside=leg.quantity if leg.protects else Decimal(0),
            ),
        )
    return replace(
        picture,
        working=working,
        account=_with_money_set_aside(picture, leg),
        open_stop_risk=_with_stop_risk(picture, leg),
    )


def _with_money_set_aside(picture: Picture, leg: Leg) -> AccountNow | None:
    """Return the account as the broker would show it with the order open."""
    account = picture.account
    if account is None or permission.reduces(picture, leg):
        return account
    needed = leg.quantity * exposure.counted_price(picture, leg)
    return replace(account, buying_power=account.buying_power - needed)


def _with_stop_risk(picture: Picture, leg: Leg) -> Decimal | None:
    if picture.open_stop_risk is None:
        return None
    return picture.open_stop_risk + leg.quantity * loss.risk_per_share(picture, leg)


def _with_order(picture: Picture, before: Activity, leg: Leg) -> Activity:
    sent = dict(before.symbol_today)
    sent[leg.symbol] = sent.get(leg.symbol, 0) + 1
    return Activity(
        last_minute=before.last_minute + 1,
        today=before.today + 1,
        symbol_today=sent,
        recent=(
            *before.recent,
            RecentOrder(
                symbol=leg.symbol,
                side=leg.side,
                quantity=leg.quantity,
                age_seconds=0,
                proposal_id=picture.proposal_id,
                leg_no=leg.leg_no,
            ),
        ),
    )


def _is_countable(leg: Leg) -> bool:
    """Whether arithmetic with the leg means anything."""
    prices = (leg.limit_price, leg.stop_price, leg.take_profit_price, leg.stop_loss_price)
    trails = (leg.trail_percent, leg.trail_price)
    given = [leg.quantity, leg.reference_price, *(p for p in prices + trails if p is not None)]
    return all(number.is_finite() and number > 0 for number in given)


def _result(check: Check, picture: Picture, leg: Leg, *, reducing: bool) -> CheckResult:
    if reducing and check.reducing == "skip":
        return _told(check, Answer(True, "It only reduces a position."))
    answer = check.ask(picture, leg)
    if answer.passed:
        return _told(check, answer, warning=answer.warning)
    if reducing and check.reducing == "warn":
        sentence = f"{answer.sentence} It passes because it only reduces a position."
        return _told(check, replace(answer, passed=True, sentence=sentence), warning=True)
    # What only reduces is never trapped: it waits for what time may cure.
    if (answer.deferred or (reducing and answer.later)) and not picture.sending:
        sentence = f"{answer.sentence} Checked again before sending."
        return _told(check, replace(answer, passed=True, sentence=sentence), warning=True)
    return _told(check, answer)


def _told(check: Check, answer: Answer, *, warning: bool = False) -> CheckResult:
    return CheckResult(
        number=check.number,
        code=check.code,
        passed=answer.passed,
        warning=warning,
        sentence=answer.sentence,
        figure=answer.figure,
        limit=answer.limit,
        unit=answer.unit,
        fits=answer.fits,
        later=answer.later,
    )


def _rank(result: CheckResult) -> int:
    """Lasting denials first, then passing ones, then warnings, then passes."""
    if result.denies:
        return 1 if result.later else 0
    return 2 if result.warning else 3
