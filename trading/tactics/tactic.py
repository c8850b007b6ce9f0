"""The terms of a tactic, as they are signed with their leg."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

KINDS = ("adaptive", "twap", "vwap")
FINALS = ("cross", "leave")

_ZERO, _ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True)
class Tactic:
    """How a leg is worked: part by part, never beyond its quantity, its limit and `ends_at`.

    A part is priced `offset` away from the middle of the quote, towards the other side: the
    largest of `offset_bps`, `spread_share` of the spread and `volatility_share` of
    `volatility`, and once more of it for every part in a row that stayed without a fill. A part
    that works for `reprice_seconds` at a price that is no longer the right one is cancelled, and
    its rest is priced anew. In the last `final_seconds` what is left is offered at the signed
    limit (``cross``) or left as it is (``leave``).

    Raises
    ------
    ValueError
        If a term makes no sense; the message names it.
    """

    kind: str  # adaptive: all of it at once | twap: even slices | vwap: slices by volume
    starts_at: datetime  # market time; the first minutes are avoided by it
    ends_at: datetime  # market time; nothing is sent from here on, and what works is cancelled
    slices: int = 1
    curve: tuple[Decimal, ...] = ()  # vwap: share of the volume until the end of each slice
    offset_bps: Decimal = Decimal(5)
    spread_share: Decimal = Decimal("0.5")
    volatility_share: Decimal = Decimal("0.25")
    volatility: Decimal = _ZERO  # of a minute, a fraction
    reprice_seconds: int = 120  # market seconds
    final: str = "cross"
    final_seconds: int = 300  # market seconds
    most_children: int = 8  # orders that may be sent for the leg, the final one included

    def __post_init__(self) -> None:
        """Refuse terms that make no sense."""
        if self.kind not in KINDS or self.final not in FINALS:
            raise ValueError(
                f"A tactic is one of {', '.join(KINDS)} and ends with one of {', '.join(FINALS)}, "
                f"not {self.kind} and {self.final}."
            )
        if not self.starts_at < self.ends_at:
            raise ValueError(f"A tactic ends after it starts; {self.ends_at} does not.")
        _require_counts(self)
        _require_curve(self.kind, self.slices, self.curve)
        offsets = (self.offset_bps, self.spread_share, self.volatility_share, self.volatility)
        if any(not share.is_finite() or share < 0 for share in offsets):
            raise ValueError(
                f"Offsets and their shares are finite and not negative, not {offsets}."
            )


def _require_counts(tactic: Tactic) -> None:
    if tactic.slices < 1 or tactic.most_children < tactic.slices:
        raise ValueError(
            f"A tactic needs a slice or more, and as many orders as slices; "
            f"{tactic.slices} slices with {tactic.most_children} orders do not do."
        )
    if tactic.reprice_seconds < 1 or tactic.final_seconds < 0:
        raise ValueError(
            "Seconds until a new price are at least 1, of the final action at least 0."
        )
    if tactic.kind == "adaptive" and tactic.slices != 1:
        raise ValueError(f"An adaptive tactic has one slice, not {tactic.slices}.")


def _require_curve(kind: str, slices: int, curve: Sequence[Decimal]) -> None:
    if kind != "vwap":
        if curve:
            raise ValueError(f"Only vwap follows a volume curve, {kind} does not.")
        return
    rises = all(before <= after for before, after in zip((_ZERO, *curve), curve, strict=False))
    if len(curve) != slices or not rises or curve[-1] != _ONE:
        raise ValueError(
            f"A volume curve has one share for each of the {slices} slices, never falls and ends "
            f"at 1; this one is {', '.join(map(str, curve)) or 'empty'}."
        )
