"""Which symbols the desk may open positions in after a session, and why not the others.

Whether a symbol is tradable at all, now, is asked of the broker when an order is judged; here
stands what its history says: long enough, liquid enough, not about to report.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from config.universe import Eligibility


class Tier(StrEnum):
    """How freely a symbol trades."""

    CORE = "core"
    EXTENDED = "extended"
    NONE = "none"


@dataclass(frozen=True)
class Measures:
    """What is known of a symbol after a session; None where it is not."""

    sessions: int  # of usable history
    close: float | None  # USD per share, unadjusted
    dollar_volume: float | None  # mean USD traded a session
    spread: float | None  # estimate, fraction of price
    volatility: float | None  # per year, fraction
    is_member: bool  # of the universe, in this session
    next_earnings: date | None = None  # the nearest report in or after the blackout's reach


@dataclass(frozen=True)
class Standing:
    """A symbol's place in the universe; `reasons` are empty when it may be bought."""

    tier: Tier
    volatility_bucket: str  # low | normal | high | extreme | unknown
    reasons: tuple[str, ...]

    @property
    def eligible(self) -> bool:
        """Whether a position may be opened in it."""
        return not self.reasons


def judge(measures: Measures, rules: Eligibility, *, minimum_history: int) -> Standing:
    """Place a symbol and list every reason against it, the plainest first.

    A figure that is not known counts against the symbol.

    Parameters
    ----------
    measures : Measures
        After the close of the session decided on.
    rules : Eligibility
        The thresholds of `universe.toml`.
    minimum_history : int
        Usable sessions needed.
    """
    reasons = [
        *_membership(measures),
        *_history(measures, minimum_history),
        *_price(measures, rules),
        *_liquidity(measures, rules),
        *_report(measures),
    ]
    return Standing(
        tier=Tier.NONE if reasons else _tier(measures, rules),
        volatility_bucket=volatility_bucket(measures.volatility, rules.volatility_edges),
        reasons=tuple(reasons),
    )


def volatility_bucket(volatility: float | None, edges: Sequence[float]) -> str:
    """Return the bucket of a yearly volatility; an edge belongs to the bucket above it."""
    if volatility is None or not math.isfinite(volatility):
        return "unknown"
    names = ("low", "normal", "high", "extreme")
    return names[sum(volatility >= edge for edge in edges)]


def _membership(measures: Measures) -> list[str]:
    return [] if measures.is_member else ["It does not belong to the universe in this session."]


def _history(measures: Measures, needed: int) -> list[str]:
    if measures.sessions >= needed:
        return []
    return [f"{measures.sessions} sessions of history, {needed} needed."]


def _price(measures: Measures, rules: Eligibility) -> list[str]:
    if measures.close is None:
        return ["No usable bar for this session."]
    if measures.close < rules.minimum_price:
        return [f"It closed at {measures.close:,.2f} USD; {rules.minimum_price:,.2f} are needed."]
    if rules.maximum_price is not None and measures.close > rules.maximum_price:
        return [f"It closed at {measures.close:,.2f} USD, above {rules.maximum_price:,.2f}."]
    return []


def _liquidity(measures: Measures, rules: Eligibility) -> list[str]:
    found = []
    traded, spread = measures.dollar_volume, measures.spread
    if traded is None or not math.isfinite(traded):
        found.append("Its usual dollar volume is not known yet.")
    elif traded < rules.minimum_dollar_volume:
        found.append(
            f"{traded:,.0f} USD are traded in a usual session; "
            f"{rules.minimum_dollar_volume:,.0f} are needed."
        )
    if spread is None or not math.isfinite(spread):
        found.append("Its spread cannot be estimated yet.")
    elif spread > rules.maximum_spread:
        found.append(
            f"Its spread is estimated at {spread * 1e4:,.0f} bps; "
            f"at most {rules.maximum_spread * 1e4:,.0f} pass."
        )
    return found


def _report(measures: Measures) -> list[str]:
    if measures.next_earnings is None:
        return []
    return [f"It reports earnings on {measures.next_earnings:%a %-d %b %Y}: no entry around it."]


def _tier(measures: Measures, rules: Eligibility) -> Tier:
    traded, spread = measures.dollar_volume or 0.0, measures.spread
    narrow = spread is not None and spread <= rules.core_spread
    return Tier.CORE if traded >= rules.core_dollar_volume and narrow else Tier.EXTENDED
