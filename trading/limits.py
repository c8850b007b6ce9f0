"""The limits that hold now: the configured ones with the overrides of an account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pydantic import ValidationError

from config.limits import Limits
from trading.errors import AskError

_POSITIONS = ("position_share", "advisory_position", "advisory_position_connected")
# How the desk works rather than what an order may do; what no order is held to yet, because the
# desk proposes none within the day; and the ceiling that nobody may pass.
_FIXED = frozenset(
    {
        "profile",
        "position_ceiling",
        "gross_exposure_intraday",
        "intraday_data_age_seconds",
        "silence_reduce_seconds",
        "alert_reduce_minutes",
        "resend_grace_seconds",
        "lease_seconds",
    }
)
OVERRIDABLE = frozenset(Limits.model_fields) - _FIXED

_HALF = Decimal("0.5")


class OverrideError(AskError):
    """An override names no limit, or leaves a set of limits that makes no sense."""


@dataclass(frozen=True)
class Override:
    """A limit changed for one account until an instant (wall time), in the limit's own unit."""

    name: str
    value: Decimal
    expires_at: datetime


def effective(limits: Limits, overrides: Sequence[Override], *, now: datetime) -> Limits:
    """Return the limits with every override that is still valid.

    Parameters
    ----------
    limits : Limits
        As configured.
    overrides : sequence of Override
        Oldest first: of several for one limit the last one stands.
    now : datetime
        Wall time; an override ends at the instant it expires.

    Returns
    -------
    Limits
        No position limit is above ``position_ceiling``, whatever an override says.

    Raises
    ------
    OverrideError
        If an override that is valid now names no limit that may be overridden, or has a value
        that the limits do not allow. Nothing is traded on half an answer.
    """
    changed = {told.name: told.value for told in overrides if now < told.expires_at}
    unknown = sorted(set(changed) - OVERRIDABLE)
    if unknown:
        raise OverrideError(
            f"`{unknown[0]}` cannot be overridden; possible are {', '.join(sorted(OVERRIDABLE))}. "
            f'Take it back: `./desk limit {unknown[0]} --by LOGIN --reason "…"`.'
        )
    try:
        made = Limits.model_validate(limits.model_dump() | _capped(limits, changed))
    except ValidationError as e:
        said = "; ".join(f"{error['loc'] or ''} {error['msg']}" for error in e.errors())
        raise OverrideError(
            f"The overrides {_listed(changed)} leave limits that are not allowed: {said}. "
            'Correct or take them back: `./desk limit NAME --by LOGIN --reason "…"`.'
        ) from e
    return made


def size_factor(limits: Limits, *, drawdown: Decimal) -> Decimal:
    """Return what a new position's size is multiplied by.

    Parameters
    ----------
    drawdown : Decimal
        How far equity is below its peak, as a positive fraction.

    Returns
    -------
    Decimal
        0 from ``drawdown_reduce`` on (nothing is opened), one half from ``drawdown_halve`` on,
        else 1.
    """
    if not drawdown.is_finite() or drawdown >= limits.drawdown_reduce:
        return Decimal(0)
    return _HALF if drawdown >= limits.drawdown_halve else Decimal(1)


def _capped(limits: Limits, changed: dict[str, Decimal]) -> dict[str, Decimal]:
    return {
        name: min(value, limits.position_ceiling) if name in _POSITIONS else value
        for name, value in changed.items()
    }


def _listed(changed: dict[str, Decimal]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sorted(changed.items()))
