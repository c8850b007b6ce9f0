"""From a target weight to a sized leg with its terms; arithmetic only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Any

from assets.protecting import cover, loss_from_here
from config.limits import Limits
from config.settings import Settings
from quality.calendar import exchange
from quant.models.calibration import CalibrationBin, bin_of
from quant.sizing import atr_stop, fixed_risk_quantity, shares_within
from trading.canonical import figure
from trading.checks.exposure import drawdown, position_cap
from trading.limits import size_factor
from trading.picture import Picture
from trading.proposals import Contribution, Effect, GateLine, Leg, Rationale, Trust

TICK = Decimal("0.01")  # USD
STOP_RANGES = Decimal(2)  # average true ranges between entry and stop
_SESSIONS_PER_YEAR = Decimal(252)


@dataclass(frozen=True)
class Facts:
    """What is known of one symbol after the close. Prices in USD, returns as fractions."""

    symbol: str
    close: Decimal
    average_true_range: Decimal
    daily_volatility: Decimal
    held: Decimal  # shares, signed
    stop_ranges: Decimal = STOP_RANGES  # average true ranges between entry and stop


def entry(
    facts: Facts,
    *,
    weight: Decimal,
    equity: Decimal,
    limits: Limits,
    factor: Decimal = Decimal(1),
) -> Leg | None:
    """Return a buy that fits the weight and the risk budget, with its stop; None if none fits.

    `factor` shrinks both, as `trading.limits.size_factor` says.
    """
    limit = _limit(facts, limits, side="buy")
    distance = facts.stop_ranges * facts.average_true_range
    if factor <= 0 or not 0 < distance < limit:  # a stop at or beyond the price bounds nothing
        return None
    stop = atr_stop(
        limit, facts.average_true_range, multiple=facts.stop_ranges, tick=TICK, long=True
    )
    by_weight = shares_within(factor * weight * equity, limit)
    by_risk = fixed_risk_quantity(equity, factor * limits.trade_risk, limit, stop)
    quantity = min(by_weight, by_risk)
    if quantity < 1:
        return None
    return Leg(
        leg_no=1, symbol=facts.symbol, side="buy", quantity=Decimal(quantity), order_type="limit",
        # Its stop lives as long as it may: the stop must outlast the session. What is left of the
        # entry itself is cancelled when the signature's time is over.
        time_in_force="gtc", reference_price=facts.close, limit_price=limit, stop_loss_price=stop,
    )  # fmt: skip


def allowed_entry(
    facts: Facts, *, weight: Decimal, equity: Decimal, picture: Picture
) -> Leg | None:
    """Return a buy of at most what the drawdown and the cap on one position leave."""
    factor = sizing(picture)
    if factor == 0:
        return None
    # The cap is halved by the same drawdown: it is not to be halved twice.
    most = min(weight, position_cap(picture) / factor)
    return entry(facts, weight=most, equity=equity, limits=picture.limits, factor=factor)


def sizing(picture: Picture) -> Decimal:
    """Return what a new position is multiplied by; 0 when nobody knows the drawdown."""
    fallen = drawdown(picture.account)
    return Decimal(0) if fallen is None else size_factor(picture.limits, drawdown=fallen)


def leaving(facts: Facts, *, limits: Limits) -> Leg:
    """Return the sale of all that is held."""
    return Leg(
        leg_no=1, symbol=facts.symbol, side="sell", quantity=abs(facts.held), order_type="limit",
        time_in_force="day", reference_price=facts.close,
        limit_price=_limit(facts, limits, side="sell"), reduces=True,
    )  # fmt: skip


def drift_bound(facts: Facts, limits: Limits) -> Decimal:
    """Return how far the price may move against the signature, as a fraction."""
    by_volatility = limits.next_session_drift_volatility * facts.daily_volatility
    return max(limits.next_session_drift, by_volatility).quantize(Decimal("0.0001"), ROUND_DOWN)


def valid_until(session: date, settings: Settings, limits: Limits) -> datetime:
    """Return when a proposal decided after `session` ends (market time).

    The replay waits for people before its close, so there a proposal lives as long as the
    session; elsewhere it ends some minutes after the open.
    """
    following = exchange().next(session)
    if settings.mode == "embedded":
        return exchange().close(following)
    return exchange().open(following) + timedelta(minutes=limits.next_session_validity_minutes)


def loss_to_stop(leg: Leg) -> Decimal | None:
    """Return what is lost if the stop is hit at its price, in USD; None without a stop.

    Of what is held already the loss from the price now, not from what it cost.
    """
    if leg.protects:
        return loss_from_here(leg)
    if leg.stop_loss_price is None:
        return None
    return leg.quantity * abs(leg.worst_price - leg.stop_loss_price)


def effects(leg: Leg, picture: Picture, limits: Limits) -> tuple[Effect, ...]:
    """Return the card's table: figures now, after the trade, and their limits."""
    if leg.protects:
        return cover(leg, picture)
    account = picture.account
    if account is None or account.equity <= 0 or picture.positions is None:
        return ()
    signed = leg.quantity if leg.side == "buy" else -leg.quantity
    held = picture.positions.get(leg.symbol)
    before = Decimal(0) if held is None else held.quantity * held.price
    traded = leg.worst_price
    if held is not None and leg.side == "sell":
        traded = held.price  # what is sold leaves the book at the price it stands there
    after = before + signed * traded
    gross = sum((abs(h.quantity) * h.price for h in picture.positions.values()), Decimal(0))
    lost = loss_to_stop(leg)
    return (
        Effect(
            f"{leg.symbol}, share of equity",
            _share(before, account.equity),
            _share(after, account.equity),
            position_cap(picture),
            "fraction",
        ),
        Effect(
            "Gross exposure",
            _share(gross, account.equity),
            _share(gross - abs(before) + abs(after), account.equity),
            limits.gross_exposure,
            "fraction",
        ),
        *(
            ()
            if lost is None
            else (
                Effect(
                    "Risk to the stop",
                    None,
                    _share(lost, account.equity),
                    limits.trade_risk,
                    "fraction",
                ),
            )
        ),
        Effect("Cash", account.cash, account.cash - signed * leg.worst_price, None, "USD"),
    )


def _share(value: Decimal, equity: Decimal) -> Decimal:
    return (value / equity).quantize(Decimal("0.000001"))


def rationale(
    prediction: Mapping[str, Any],
    version: Mapping[str, Any],
    gates: tuple[GateLine, ...],
    contributions: list[Mapping[str, Any]],
    calibration: list[Mapping[str, Any]],
) -> Rationale:
    """Return why the model wants it, with how far its word could be trusted so far."""
    probability = float(prediction["probability"])
    table = tuple(CalibrationBin(**row) for row in calibration)
    return Rationale(
        probability=figure(probability),
        expected_return=figure(prediction["expected_return"]),
        low=figure(prediction["low"]),
        high=figure(prediction["high"]),
        horizon=int(prediction["horizon"]),
        base_rate=figure(version["base_rate"]),
        volatility=figure(prediction["volatility"]),
        contributions=tuple(
            Contribution(
                feature=told["feature"],
                meaning=told["meaning"],
                value=figure(told["value"]),
                points=figure(told["points"]),
            )
            for told in contributions
        ),
        trust=_trust(bin_of(table, probability)),
        gates=gates,
        feature_version=str(prediction["feature_version"]),
    )


def daily_volatility(yearly: float) -> Decimal:
    """Return the volatility of a session, from that of a year."""
    return (figure(yearly) / _SESSIONS_PER_YEAR.sqrt()).quantize(Decimal("0.000001"))


def price(value: float) -> Decimal:
    """Return a price in whole ticks."""
    return figure(value).quantize(TICK, ROUND_HALF_UP)


def _limit(facts: Facts, limits: Limits, *, side: str) -> Decimal:
    """Return the worst price that a signature will cover.

    The record behind the model enters at the next open whatever it is, so the limit only keeps
    out prices at which the signature lapses anyway.
    """
    offset = drift_bound(facts, limits)
    if side == "buy":
        return (facts.close * (1 + offset)).quantize(TICK, ROUND_DOWN)
    return (facts.close * (1 - offset)).quantize(TICK, ROUND_UP)


def _trust(past: CalibrationBin | None) -> Trust | None:
    if past is None:
        return None
    return Trust(
        said_low=figure(past.low),
        said_high=figure(past.high),
        right=figure(past.hit_share),
        right_low=figure(past.share_low),
        right_high=figure(past.share_high),
        cases=past.n,
    )
