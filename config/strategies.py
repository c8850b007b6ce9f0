"""How forecasts and classical rules become target weights."""

from typing import Annotated, Literal

from pydantic import Field

from config.documents import Frozen


class StrategySettings(Frozen):
    """How forecasts become target weights."""

    name: str
    kind: Literal["top_k", "threshold"] = "top_k"
    k: Annotated[int, Field(ge=1)] = 3  # symbols held at most, for top_k
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.51  # lowest probability to buy
    # Also sell short, at one minus the threshold or less; judged, and never proposed.
    long_short: bool = False
    gross: Annotated[float, Field(gt=0, le=1)] = 0.15  # of equity, all positions together
    portfolio: Literal["none", "minimum_variance", "maximum_sharpe", "hierarchical_risk_parity"] = (
        "none"  # how the chosen symbols share it; none: each alone, equally
    )
    turnover_penalty: Annotated[float, Field(ge=0)] = 0.0  # in the unit of the objective
    least_trade: Annotated[float, Field(ge=0, lt=1)] = 0.005  # of equity; a book leaves less alone
    tactic: Literal["none", "adaptive", "twap", "vwap"] = "none"  # how a leg is worked


class StrategiesSettings(Frozen):
    """Which classical strategies are on, beside the model's policy.

    One that is shown is judged by the gates and its signals stand on the Predictions page; one
    that is proposed makes proposals as well.
    """

    swing: Literal["off", "shown", "proposed"] = "shown"
    # Begun only where the model (true), or a second one that learnt from what became of the
    # rules' own entries (meta), gives `strategy.threshold` or more; false: nobody is asked.
    swing_filter: bool | Literal["meta"] = True
    reversion: Literal["off", "shown"] = "off"
    reversion_filter: bool = False
    reversion_short: bool = False  # sell short what is far above its VWAP
