"""By when the daily assets must have been made again; not in a replay (docs/adr/0007)."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import dagster as dg

from config.settings import Settings
from pipelines.jobs import DECISION, HISTORY

DAILY: Final = frozenset({*HISTORY, "minute_bars", *DECISION})
# The longest way from one planned session's run to the next: from one o'clock on the eve of a
# holiday, over it and a weekend, to after the close. Beyond it the pipeline has stopped.
LONGEST: Final = timedelta(days=4, hours=6)
EARLY_WORD: Final = timedelta(days=3, hours=6)  # a weekend and a session that nobody ran


def policy(settings: Settings) -> dg.FreshnessPolicy | None:
    """Return what is asked of each daily asset; None in a replay, whose days are no days."""
    if settings.mode == "embedded":
        return None
    return dg.FreshnessPolicy.time_window(fail_window=LONGEST, warn_window=EARLY_WORD)


def with_freshness(assets: Iterable[Any], asked: dg.FreshnessPolicy | None) -> list[Any]:
    """Return the assets, those made every session with the policy."""
    if asked is None:
        return list(assets)

    def fresh(spec: dg.AssetSpec) -> dg.AssetSpec:
        is_daily = spec.key.to_user_string() in DAILY
        return dg.apply_freshness_policy(spec, asked) if is_daily else spec

    return list(dg.map_asset_specs(fresh, assets))
