"""The trading state and what it lets through."""

from enum import StrEnum


class TradingState(StrEnum):
    """ACTIVE lets all pass, REDUCING only what reduces risk, HALTED only cancels and a flatten."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"

    @property
    def strictness(self) -> int:
        """0 for ACTIVE, 1 for REDUCING, 2 for HALTED."""
        return _STRICTNESS[self]

    def admits(self, *, reduces: bool, ordered: bool = False) -> bool:
        """Return whether an order may be sent that does, or does not, only reduce risk.

        `ordered`: it is part of a flatten that a person signed; HALTED lets it pass too.
        """
        if self is TradingState.HALTED:
            return reduces and ordered
        return self is TradingState.ACTIVE or reduces


_STRICTNESS = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}
