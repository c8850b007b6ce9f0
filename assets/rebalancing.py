"""From target weights to the legs of one rebalance: sales first, each leg within the limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

import numpy as np

from assets.drafting import TICK, Facts, allowed_entry, leaving, sizing
from config.limits import Limits
from config.strategies import StrategySettings
from quant.sizing import WeightLimits, atr_stop
from quant.typing import FloatArray
from trading.canonical import figure
from trading.checks.exposure import position_cap
from trading.checks.fitting import fitting_quantity
from trading.picture import Picture
from trading.pretrade import denials, judge_leg, with_sent
from trading.proposals import CheckResult, Effect, Leg

_ZERO = Decimal(0)
_SHARE = Decimal("0.000001")
_LEAST_SHARE = Decimal("0.001")
_STOP_RANGES = Decimal(2)  # average true ranges below the close
_FEWEST_ASSETS = 2


@dataclass(frozen=True)
class Target:
    """A symbol with the share of equity it should have."""

    facts: Facts
    weight: Decimal


@dataclass(frozen=True)
class Fitted:
    """Legs that pass every check one after the other, and what denied the others."""

    legs: tuple[Leg, ...]
    denied: Mapping[str, CheckResult]  # by symbol
    cut: Mapping[str, CheckResult]  # what left fewer shares than were wanted, by symbol


def weights(
    strategy: StrategySettings,
    chosen: Sequence[str],
    *,
    returns: Mapping[str, FloatArray],
    held: Mapping[str, float],
    cap: float,
    room: float,
) -> dict[str, Decimal]:
    """Return the share of equity of each chosen symbol by the configured construction.

    Parameters
    ----------
    chosen : sequence of str
        Symbols the signals want.
    returns : mapping
        Simple returns of the same past sessions by symbol; one without is left out.
    held : mapping
        Share of equity held now, by symbol.
    cap, room : float
        Most of one symbol, and of all together, as fractions of equity.

    Returns
    -------
    dict
        One weight a symbol, 0 where none; of a single symbol as much as fits.

    Raises
    ------
    ValueError
        If the optimiser finds no weights.
    """
    told = [symbol for symbol in chosen if symbol in returns]
    if room <= 0 or not told:
        return {}
    limits = WeightLimits(position=cap, gross=room, net=room)
    if len(told) < _FEWEST_ASSETS:
        return {told[0]: figure(min(cap, room))}
    found = _optimised(
        strategy,
        np.column_stack([returns[symbol] for symbol in told]),
        np.array([held.get(symbol, 0.0) for symbol in told]),
        limits,
    )
    return {symbol: figure(float(weight)) for symbol, weight in zip(told, found, strict=True)}


def _optimised(
    strategy: StrategySettings, returns: FloatArray, held: FloatArray, limits: WeightLimits
) -> FloatArray:
    from quant import portfolio  # noqa: PLC0415 - two seconds, for desks that build one

    make = {
        "minimum_variance": portfolio.minimum_variance_weights,
        "maximum_sharpe": portfolio.maximum_sharpe_weights,
        "hierarchical_risk_parity": portfolio.hierarchical_risk_parity_weights,
    }[strategy.portfolio]
    trading = None
    if strategy.turnover_penalty > 0:
        trading = portfolio.Trading(held=held, penalty=strategy.turnover_penalty)
    return make(returns, limits=limits, trading=trading)


def legs_for(
    targets: Sequence[Target], *, equity: Decimal, picture: Picture, least: Decimal = _ZERO
) -> list[Leg]:
    """Return the legs from what is held to the targets in whole shares, sales first.

    A position that shrinks gets a new stop for what is left of it: the stop of its entry gives
    way to the sale. One that would grow or shrink by less than `least` of equity stays as it is:
    costs and a signature are not worth it.
    """
    sales: list[Leg] = []
    stops: list[Leg] = []
    purchases: list[Leg] = []
    for target in targets:
        facts = target.facts
        # A weight is written with eight digits: what it falls short by is no reason to trade.
        exact = (target.weight * equity / facts.close).quantize(_LEAST_SHARE)
        wanted = exact.to_integral_value(rounding=ROUND_DOWN)
        if facts.held > 0 < wanted and abs(wanted - facts.held) * facts.close < least * equity:
            continue
        if 2 * wanted == facts.held:  # the sale and the new stop would look like one sent twice
            wanted -= 1
        if facts.held > 0 and wanted <= 0:
            sales.append(leaving(facts, limits=picture.limits))
        elif facts.held > wanted:
            sales.append(
                replace(leaving(facts, limits=picture.limits), quantity=facts.held - wanted)
            )
            stops += _stop(facts, wanted)
        elif wanted > facts.held >= 0 and sizing(picture) > 0:
            more = allowed_entry(
                facts,
                weight=target.weight - facts.held * facts.close / equity,
                equity=equity,
                picture=picture,
            )
            purchases += [] if more is None else [more]
    return [*sales, *stops, *purchases]


def fitted(legs: Sequence[Leg], picture: Picture) -> Fitted:
    """Return the legs in as many shares as pass, each seen with those before it sent."""
    kept: list[Leg] = []
    denied: dict[str, CheckResult] = {}
    cut: dict[str, CheckResult] = {}
    for leg in legs:
        asked = replace(leg, leg_no=len(kept) + 1)
        no = denials(judge_leg(picture, asked))
        quantity = fitting_quantity(picture, asked) if no else asked.quantity
        if quantity < asked.quantity:
            cut[asked.symbol] = no[0]
        if quantity <= 0:
            denied[asked.symbol] = no[0]
            continue
        kept.append(replace(asked, quantity=quantity))
        picture = with_sent(picture, kept[-1])
    return Fitted(tuple(kept), denied, cut)


def loss_to_stops(legs: Sequence[Leg]) -> Decimal | None:
    """Return what is lost if every stop of the purchases is hit, in USD; None without one."""
    found = [
        leg.quantity * abs(leg.worst_price - leg.stop_loss_price)
        for leg in legs
        if leg.stop_loss_price is not None
    ]
    return sum(found, _ZERO) if found else None


def book_effects(legs: Sequence[Leg], picture: Picture, limits: Limits) -> tuple[Effect, ...]:
    """Return the cumulative effect of all legs: figures now, after them, and their limits."""
    account = picture.account
    if account is None or account.equity <= 0 or picture.positions is None:
        return ()
    equity = account.equity
    book = {s: h.quantity * h.price for s, h in picture.positions.items()}
    after, cash = dict(book), account.cash
    traded = [leg for leg in legs if leg.stop_price is None]
    for leg in traded:
        held = picture.positions.get(leg.symbol)
        each = held.price if held is not None and leg.side == "sell" else leg.worst_price
        signed = leg.quantity if leg.side == "buy" else -leg.quantity
        after[leg.symbol] = after.get(leg.symbol, _ZERO) + signed * each
        cash -= signed * leg.worst_price

    def share(value: Decimal) -> Decimal:
        return (value / equity).quantize(_SHARE)

    def gross(of: Mapping[str, Decimal]) -> Decimal:
        return share(sum((abs(value) for value in of.values()), _ZERO))

    cap = position_cap(picture)
    lost = loss_to_stops(legs)
    return (
        *(
            Effect(
                f"{symbol}, share of equity",
                share(book.get(symbol, _ZERO)),
                share(after[symbol]),
                cap,
                "fraction",
            )
            for symbol in sorted({leg.symbol for leg in traded})
        ),
        Effect("Gross exposure", gross(book), gross(after), limits.gross_exposure, "fraction"),
        *(
            ()
            if lost is None
            else (Effect("Risk to the new stops", None, share(lost), limits.open_risk, "fraction"),)
        ),
        Effect("Cash", account.cash, cash, None, "USD"),
    )


def _stop(facts: Facts, left: Decimal) -> list[Leg]:
    """The stop for what is left of a position; none where it would not bound anything."""
    if left <= 0 or not 0 < _STOP_RANGES * facts.average_true_range < facts.close:
        return []
    at = atr_stop(
        facts.close, facts.average_true_range, multiple=_STOP_RANGES, tick=TICK, long=True
    )
    return [
        Leg(
            leg_no=1,
            symbol=facts.symbol,
            side="sell",
            quantity=left,
            order_type="stop",
            time_in_force="gtc",
            reference_price=facts.close,
            stop_price=at,
            reduces=True,
        )
    ]
