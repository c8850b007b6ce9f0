"""What a decision lost on its way to the market: implementation shortfall and its parts.

Money is Decimal and exact: the parts add up to the whole to the last digit. Costs are positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Side = Literal["buy", "sell"]


@dataclass(frozen=True)
class Execution:
    """Shares filled, and the price of each share."""

    quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class ImplementationShortfall:
    """Profit of the paper portfolio less that of the real one, in quote currency.

    Attributes
    ----------
    delay : Decimal
        From the decision to the arrival of the order at the market, on what was filled.
    execution : Decimal
        From the arrival to the fills: spread, impact and timing.
    opportunity : Decimal
        From the decision to the end, on what was not filled.
    fees : Decimal
        Commissions and charges.
    notional : Decimal
        Value of the decision, at its price.
    """

    delay: Decimal
    execution: Decimal
    opportunity: Decimal
    fees: Decimal
    notional: Decimal

    @property
    def total(self) -> Decimal:
        """Sum of the parts; negative where waiting paid."""
        return self.delay + self.execution + self.opportunity + self.fees

    @property
    def fraction(self) -> Decimal:
        """Total as a fraction of the decision's value."""
        return self.total / self.notional


def implementation_shortfall(
    side: Side,
    quantity: Decimal,
    *,
    decision_price: Decimal,
    arrival_price: Decimal,
    final_price: Decimal,
    fills: Sequence[Execution],
    fees: Decimal = Decimal(0),
) -> ImplementationShortfall:
    """Compare a decision's paper profit with what was earned, and say where it went.

    Parameters
    ----------
    side : str
        "buy" or "sell".
    quantity : Decimal
        Shares decided on, positive.
    decision_price : Decimal
        Price the proposal was made at.
    arrival_price : Decimal
        Price when the order reached the market.
    final_price : Decimal
        Price when the order ended, at which what was not filled is valued.
    fills : sequence of Execution
        What was filled; together at most `quantity`.
    fees : Decimal
        Commissions and charges paid.

    Returns
    -------
    ImplementationShortfall
        Positive parts cost, negative ones saved.

    Raises
    ------
    ValueError
        If the side is unknown, a price or the quantity is not positive, a fill is not, or more
        was filled than decided.

    References
    ----------
    Perold (1988), "The implementation shortfall: paper versus reality", Journal of Portfolio
    Management 14, 4-9. Wagner & Edwards (1993), "Best execution", Financial Analysts Journal
    49, 65-71, for the parts.
    """
    if side not in {"buy", "sell"}:
        raise ValueError(f"`side` must be 'buy' or 'sell', was {side!r}.")
    prices = {"decision_price": decision_price, "arrival_price": arrival_price}
    _require_positive(**prices, final_price=final_price, quantity=quantity)
    for fill in fills:
        _require_positive(quantity=fill.quantity, price=fill.price)
    filled = sum((fill.quantity for fill in fills), Decimal(0))
    if filled > quantity:
        raise ValueError(f"{filled} were filled of {quantity} decided on.")
    sign = Decimal(1) if side == "buy" else Decimal(-1)
    paid = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
    return ImplementationShortfall(
        delay=sign * filled * (arrival_price - decision_price),
        execution=sign * (paid - filled * arrival_price),
        opportunity=sign * (quantity - filled) * (final_price - decision_price),
        fees=fees,
        notional=quantity * decision_price,
    )


def _require_positive(**figures: Decimal) -> None:
    for name, value in figures.items():
        if not (value.is_finite() and value > 0):
            raise ValueError(f"`{name}` must be positive, was {value}.")
