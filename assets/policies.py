"""How forecasts become weights today."""

from decimal import Decimal

from config.settings import Settings
from quant.signals import Policy


def policy(settings: Settings) -> Policy:
    """Return how forecasts become weights."""
    told = settings.strategy
    return Policy(
        kind=told.kind, k=told.k, threshold=told.threshold, long_short=told.long_short,
        gross=told.gross, position=told.gross / told.k,
    )  # fmt: skip


def research_only(settings: Settings, strategy: str, weight: Decimal) -> str:
    """Say why a target weight of a strategy opens no position; nothing where it may.

    The record of a long/short policy is that of both sides together: its purchases alone have none.
    A short sale it asked for before it was switched off is none to open either.
    """
    is_own = strategy == settings.strategy.name
    if weight >= 0 and not (is_own and settings.strategy.long_short):
        return ""
    return (
        "nothing is opened: `strategy.long_short` is for research, as the desk proposes no short "
        "sale, and purchases without the short sales beside them have no record"
    )
