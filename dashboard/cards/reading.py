"""From a proposal's stored JSON to what a card shows."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from dashboard import formats
from dashboard.cards.content import (
    Check,
    Content,
    DataState,
    Effect,
    Gate,
    Prediction,
    Reason,
    Trust,
    decimal,
    fraction,
    section,
)
from ledger.pages import Proposal


def shown(proposal: Proposal) -> Content:
    """What the bytes that are signed say, part by part."""
    content = proposal.content
    why = section(content, "rationale")
    risk = section(content, "risk")
    return Content(
        prediction=_prediction(why),
        trust=_trust(section(why, "trust"), base_rate=fraction(why.get("base_rate"))),
        gates=tuple(
            Gate(str(g["gate"]), bool(g["passed"]), str(g["sentence"]))
            for g in why.get("gates", ())
        ),
        effects=tuple(_effect(e) for e in risk.get("effects", ())),
        checks=tuple(_check(c) for c in section(content, "verdict").get("checks", ())),
        data=_data(section(content, "data")),
        loss_to_stop=decimal(risk.get("loss_to_stop")),
        equity=decimal(risk.get("equity")),
        label=str(content.get("label") or ""),
    )


def _prediction(why: Mapping[str, Any]) -> Prediction | None:
    if why.get("probability") is None:
        return None
    return Prediction(
        probability=float(why["probability"]),
        expected_return=float(why["expected_return"]),
        low=float(why["low"]),
        high=float(why["high"]),
        horizon=int(why["horizon"]),
        base_rate=fraction(why.get("base_rate")),
        volatility=fraction(why.get("volatility")),
        reasons=tuple(reason(r) for r in why.get("contributions", ())),
    )


def reason(told: Mapping[str, Any]) -> Reason:
    """A contribution as a reason: its meaning with the feature's value, in percentage points."""
    meaning = str(told.get("meaning") or told.get("feature"))
    value = told.get("value")
    shown = "" if value is None else f" ({formats.significant(float(value))})"
    return Reason(meaning[:1].upper() + meaning[1:] + shown, 100 * float(told["points"]))


def _trust(told: Mapping[str, Any], *, base_rate: float | None) -> Trust | None:
    if not told or base_rate is None:
        return None
    return Trust(
        said_low=float(told["said_low"]),
        said_high=float(told["said_high"]),
        right=float(told["right"]),
        right_low=float(told["right_low"]),
        right_high=float(told["right_high"]),
        cases=int(told["cases"]),
        base_rate=base_rate,
    )


def _effect(told: Mapping[str, Any]) -> Effect:
    return Effect(
        label=str(told["label"]),
        now=decimal(told.get("now")),
        after=decimal(told.get("after")),
        limit=decimal(told.get("limit")),
        unit=str(told["unit"]),
    )


def _check(told: Mapping[str, Any]) -> Check:
    return Check(
        number=int(told["number"]),
        code=str(told["code"]),
        passed=bool(told["passed"]),
        warning=bool(told.get("warning")),
        sentence=str(told["sentence"]),
        figure=decimal(told.get("figure")),
        limit=decimal(told.get("limit")),
        unit=str(told.get("unit") or ""),
        fits=decimal(told.get("fits")),
    )


def _data(told: Mapping[str, Any]) -> DataState | None:
    if not told:
        return None
    return DataState(
        session=date.fromisoformat(str(told["session"])),
        checks=int(told["checks"]),
        passed=int(told["checks_passed"]),
        status=str(told["status"]),
        report=told.get("report"),
    )
