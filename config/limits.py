"""The limits of the desk (`limits.toml`), as exact decimals."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.documents import ROOT, Frozen, document, validated
from config.errors import SettingsError

Share = Annotated[Decimal, Field(ge=0, le=1)]
Multiple = Annotated[Decimal, Field(ge=0, le=10)]
Amount = Annotated[Decimal, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
DAY_MINUTES = 1440
OfADay = Annotated[int, Field(ge=1, le=DAY_MINUTES)]


class Limits(Frozen):
    """Every default of the desk; fractions of equity unless said otherwise."""

    profile: Literal["default", "strict"]
    position_share: Share
    position_ceiling: Share
    advisory_position: Share
    advisory_position_connected: Share
    order_notional: Amount  # USD
    order_quantity: Amount  # shares
    order_volume_share: Share
    volume_sessions: Count
    gross_exposure: Multiple
    gross_exposure_intraday: Multiple
    net_exposure: Multiple
    beta_exposure: Multiple
    short_share: Share  # of gross exposure
    sector_share: Share
    positions: Count
    trade_risk: Share
    open_risk: Share
    value_at_risk: Share  # 99 %, one day
    daily_loss_pause: Share
    daily_loss_reduce: Share
    drawdown_halve: Share
    drawdown_reduce: Share
    drawdown_halt: Share
    consecutive_losses: Count
    orders_per_minute: Count
    orders_per_day: Count
    symbol_orders_per_day: Count
    duplicate_window_minutes: OfADay  # wall minutes
    collar: Share
    four_eyes_notional: Amount  # USD
    intraday_validity_minutes: Count  # market minutes
    intraday_drift: Share
    next_session_validity_minutes: Count  # market minutes after the next open
    next_session_drift: Share
    next_session_drift_volatility: Multiple  # daily volatilities
    daily_data_age_sessions: Count
    intraday_data_age_seconds: Count
    quote_age_seconds: Count  # market seconds
    reconciliation_age_seconds: Count  # wall seconds
    silence_reduce_seconds: Count  # wall seconds
    alert_reduce_minutes: Count  # wall minutes
    resend_grace_seconds: Count  # wall seconds
    lease_seconds: Count  # wall seconds

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _require_rising(self, "position_share", "position_ceiling")
        _require_rising(self, "daily_loss_pause", "daily_loss_reduce")
        _require_rising(self, "drawdown_halve", "drawdown_reduce", "drawdown_halt")
        return self


def load(path: Path = ROOT / "limits.toml") -> Limits:
    """Return the limits of the profile named in the file.

    Raises
    ------
    SettingsError
        Naming the file, the key, its value and what is allowed.
    """
    told = document(path)
    profile = told.get("profile")
    if set(told) != {"profile", "default", "strict"} or profile not in {"default", "strict"}:
        raise SettingsError(
            f"{path} must hold `profile` (default or strict) and the tables [default] and "
            f"[strict]; it holds {', '.join(sorted(told))} with profile {profile!r}.",
            source=str(path),
            key="profile",
        )
    values = told["default"] | (told["strict"] if profile == "strict" else {})
    return validated(Limits, values | {"profile": profile}, {}, str(path))


def _require_rising(limits: Limits, *names: str) -> None:
    figures = [getattr(limits, name) for name in names]
    if figures != sorted(figures):
        said = ", ".join(f"{name} = {figure}" for name, figure in zip(names, figures, strict=True))
        raise ValueError(f"{' <= '.join(names)}; they are {said}")
