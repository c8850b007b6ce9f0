"""A small desk after the close of Mon 2 Jul 2012, written through the rooms' own functions."""

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import sqlalchemy as sa

from config.universe import Eligibility
from ledger import market, steps, tables
from quant.models.calibration import CalibrationBin
from trading.eligibility import Measures, judge
from warehouse import (
    Warehouse,
    bars,
    eligibility,
    evidence,
    findings,
    models,
    portfolio,
    predictions,
    quarantine,
    risk,
    verdicts,
)

SESSION = date(2012, 7, 2)
CLOSED_AT = datetime(2012, 7, 2, 20, 15, tzinfo=UTC)
MARKET_AT = datetime(2012, 7, 3, 13, 31, tzinfo=UTC)
MODEL = "sample/3"


def fill_market(conn: sa.Connection, *, heard_at: datetime) -> None:
    """Clock, account, quotes, one holding and two closes."""
    market.record_clock(
        conn,
        market.Clock(
            now=MARKET_AT,
            session=date(2012, 7, 3),
            is_open=True,
            next_open=datetime(2012, 7, 5, 13, 30, tzinfo=UTC),
            next_close=datetime(2012, 7, 3, 17, 0, tzinfo=UTC),
            early_close=True,
            replay=True,
            state="running",
            hold_reason=None,
            pace=Decimal(1),
            first_session=SESSION,
            last_session=date(2013, 3, 1),
            received_at=heard_at,
        ),
    )
    market.record_account(
        conn,
        market.Account(
            account_id="PA-1",
            environment="replay",
            equity=Decimal("100400.00"),
            last_equity=Decimal("100000.00"),
            cash=Decimal("90400.00"),
            settled_cash=Decimal("90400.00"),
            buying_power=Decimal("90400.00"),
            currency="USD",
            status="ACTIVE",
            as_of=MARKET_AT,
            received_at=heard_at,
        ),
    )
    market.record_quotes(
        conn,
        [
            market.Quote(
                symbol="IBM",
                bid=Decimal("195.44"),
                ask=Decimal("195.48"),
                last=Decimal("195.46"),
                quoted_at=MARKET_AT,
                received_at=heard_at,
            )
        ],
    )
    market.record_positions(
        conn,
        [
            market.Position(
                symbol="MSFT",
                quantity=Decimal(160),
                average_price=Decimal("30.40"),
                market_price=Decimal("30.66"),
                market_value=Decimal("4905.60"),
                unrealised=Decimal("41.60"),
                as_of=MARKET_AT,
                received_at=heard_at,
            )
        ],
    )
    for session, equity in ((date(2012, 6, 29), "100200"), (SESSION, "100000")):
        market.record_equity(
            conn,
            market.EquityPoint(
                environment="replay",
                session=session,
                equity=Decimal(equity),
                cash=Decimal("90400"),
                gross=Decimal("9600"),
                net=Decimal("9600"),
            ),
        )


def fill_withdrawal(conn: sa.Connection) -> None:
    """Somebody took 20,000 out after the last close; the desk gained 100 since."""
    taken = Decimal(-20_000)
    account = market.latest_account(conn)
    assert account is not None
    assert account.last_equity is not None
    left = replace(account, equity=account.last_equity + taken + 100)
    market.record_account(conn, left)
    conn.execute(
        sa.insert(tables.transfers).values(
            account_id=left.account_id, last_equity=left.last_equity, market_at=MARKET_AT,
            rest=left.cash, is_open=True, corrections=0, booked=taken, counted=taken, day=taken,
            adrift=0, due=0, presumed=0, after_close=0, rises=True,
        )
    )  # fmt: skip
    point = market.EquityPoint(
        "replay", SESSION + timedelta(days=1), left.equity, left.cash, left.equity, left.equity,
        paid_in=taken,
    )  # fmt: skip
    market.record_equity(conn, point)


def fill_steps(conn: sa.Connection, *, at: datetime) -> None:
    """A start that is half-way."""
    steps.plan(conn, boot_id="b1", names=["Database", "Sample data", "Paper venue"], desk_at=at)
    steps.record(conn, boot_id="b1", name="Database", state="done", desk_at=at)
    steps.record(
        conn,
        boot_id="b1",
        name="Sample data",
        state="running",
        detail="AAPL 2006",
        progress=0.4,
        desk_at=at,
    )


def fill_champion(store: Warehouse, *, waived_until: datetime | None) -> None:
    """The model as champion, by a waiver that ends."""
    told = _version() | {"status": "champion", "waived_until": waived_until}
    with store.writer("models.versions") as conn:
        models.record_version(conn, pl.DataFrame([told]))


def fill_research(store: Warehouse) -> None:
    """A model with its gates, a prediction, and what was decided."""
    with store.writer("models.versions") as conn:
        models.record_version(conn, pl.DataFrame([_version()]))
    with store.writer("models.gates") as conn:
        models.record_gates(conn, pl.DataFrame([gate("hit_rate", 0.53, 0.45, passed=True)]))
        models.record_gates(conn, pl.DataFrame([gate("sharpe", 0.62, 1.0, passed=False)]))
    with store.writer("models.predictions") as conn:
        predictions.record(conn, pl.DataFrame([_prediction()]))
    with store.writer("market.eligibility") as conn:
        eligibility.record(conn, pl.DataFrame([_place("IBM"), _place("FB", sessions=31)]))
    with store.writer("portfolio.decisions") as conn:
        portfolio.record_decisions(
            conn,
            pl.DataFrame(
                [
                    _decision("FB", "none", "30 sessions of history, 252 needed."),
                    _decision("IBM", "proposed", "56 % to beat the index."),
                ]
            ),
        )
    with store.writer("risk.figures") as conn:
        risk.record(conn, pl.DataFrame([_risk()]))
    fill_evidence(store)


def fill_evidence(store: Warehouse) -> None:
    """How forecasts turned out, what stands beside the gates, and a classical strategy's word."""
    parts = [
        _record("live", "all", "", cases=60, sessions=15),
        _record("walk_forward", "all", "", cases=11_240, sessions=2_810, sure=True),
        _record("live", "symbol", "IBM", cases=15, sessions=15),
        _record("walk_forward", "regime", "wild", cases=3_600, sessions=900, sure=True),
    ]
    with store.writer("models.records") as conn:
        evidence.store_records(conn, pl.DataFrame(parts, schema=evidence.RECORD_SCHEMA))
    capacity = {
        "capital": 100_000.0, "sharpe": 0.62, "net_return": 0.034, "cost": 0.0051, "filled": 1.0,
    }  # fmt: skip
    told = {
        "absolute": {
            "annual_return": 0.034, "cash_return": 0.021, "excess_return": 0.013, "sharpe": 0.41,
            "volatility": 0.062, "drawdown": 0.117, "sessions": 2_747, "without_rate": 0,
        },
        "capacity": [capacity, capacity | {"capital": 1e9, "sharpe": None, "filled": 0.031}],
        "shortfall": {
            "capital": 100_000.0, "delay": 310.0, "commission": 0.0, "spread": 204.0,
            "impact": 12.0, "opportunity": -41.0,
        },
        "trials": {"configurations": 27, "ideas": 4},
        "members": [["xgboost", 0.5], ["linear", 0.5]],
        "features": [{"feature": "r5", "rise": 0.00123}],
    }  # fmt: skip
    with store.writer("models.evidence") as conn:
        evidence.store(conn, MODEL, told)
    wanted = {
        "session": SESSION, "symbol": "IBM", "strategy": "swing trend with model",
        "model_version": MODEL, "target_weight": 0.05, "probability": 0.56, "known_at": CLOSED_AT,
    }  # fmt: skip
    with store.writer("portfolio.signals") as conn:
        portfolio.record_signals(conn, pl.DataFrame([wanted]))


def _record(
    kind: str, part: str, name: str, *, cases: int, sessions: int, sure: bool = False
) -> dict[str, object]:
    ends = (0.515, 0.545) if sure else (None, None)
    bins = [asdict(CalibrationBin(0.55, 0.6, cases, cases / 5, 0.53, 0.41, 0.64))]
    return {
        "model_version": MODEL, "kind": kind, "part": part, "name": name, "last_session": SESSION,
        "cases": cases, "sessions": sessions, "hit_rate": 0.53, "hit_low": ends[0],
        "hit_high": ends[1], "brier": 0.2491, "brier_low": None, "brier_high": None,
        "coverage": 0.79, "coverage_low": None, "coverage_high": None, "ic": None, "ic_low": None,
        "ic_high": None, "icir": None, "luck": 0.504, "lucky": not sure,
        "calibration": json.dumps(bins),
    }  # fmt: skip


def _place(symbol: str, *, sessions: int = 3_105) -> dict[str, object]:
    standing = judge(
        Measures(sessions, 195.83, 812_345_678.0, 0.0061, 0.195, is_member=True),
        Eligibility(),
        minimum_history=252,
    )
    return {
        "universe": "sample", "symbol": symbol, "session": SESSION,
        "eligible": standing.eligible, "tier": str(standing.tier),
        "reasons": json.dumps(standing.reasons), "sessions": sessions, "close": 195.83,
        "dollar_volume": 812_345_678.0, "spread": 0.0061, "volatility": 0.195,
        "volatility_bucket": standing.volatility_bucket, "shortable": None, "market_cap": None,
        "next_earnings": None, "known_at": CLOSED_AT,
    }  # fmt: skip


def fill_quality(store: Warehouse) -> None:
    """One verdict that passed, one row held back."""
    with store.writer("quality.findings") as conn:
        findings.record(conn, pl.DataFrame([finding()]))
    with store.writer("quality.quarantine") as conn:
        quarantine.record(conn, pl.DataFrame([_held()]))
    with store.writer("quality.verdicts") as conn:
        verdicts.record(
            conn,
            pl.DataFrame([verdict("IBM", "passed", 24), verdict("AAPL", "held", 23)]),
        )
    for close, learned_at in ((59.94, None), (599.41, MARKET_AT)):
        with store.writer("market.daily_bars") as conn:
            bars.append_bars(conn, pl.DataFrame([_bar(close)]), learned_at=learned_at)


def _bar(close: float) -> dict[str, object]:
    return {
        "symbol": "AAPL", "session": SESSION, "open": 584.73, "high": 599.41, "low": 59.94,
        "close": close, "volume": 14_269_700, "source": "sample", "simulated": False,
        "known_at": CLOSED_AT, "assumed": True,
    }  # fmt: skip


def _version() -> dict[str, object]:
    return {
        "model_version": MODEL,
        "run_id": "r1",
        "feature_version": "f3a91c22",
        "snapshot_id": 42,
        "programme": "sample/equities/daily",
        "first_session": date(2001, 3, 1),
        "last_session": date(2012, 6, 22),
        "rows": 11_240,
        "horizon": 5,
        "hyperparameters": "{}",
        "base_rate": 0.52,
        "calibration": json.dumps(
            [asdict(CalibrationBin(0.55, 0.6, 388, 120.0, 0.53, 0.48, 0.58))]
        ),
        "importance": "[]",
        "simulated": False,
        "status": "challenger",
        "trained_at": CLOSED_AT,
    }


def gate(name: str, value: float | None, threshold: float, *, passed: bool) -> dict[str, object]:
    """What the card is told of one gate."""
    return {
        "model_version": MODEL,
        "gate": name,
        "value": value,
        "threshold": threshold,
        "comparison": ">",
        "passed": passed,
        "reason": "Below this the record cannot be told from chance.",
        "sentence": f"{name} {value} (needs > {threshold})",
    }


def _prediction() -> dict[str, object]:
    reason = {"feature": "r5", "meaning": "Up 1.5 % in 5 sessions", "value": 0.015, "points": 0.031}
    return {
        "symbol": "IBM",
        "session": SESSION,
        "model_version": MODEL,
        "kind": "live",
        "probability": 0.56,
        "margin": 0.24,
        "expected_return": 0.004,
        "low": -0.024,
        "high": 0.032,
        "horizon": 5,
        "volatility": 0.195,
        "contributions": json.dumps([reason]),
        "feature_version": "f3a91c22",
        "snapshot_id": 42,
        "simulated": False,
        "known_at": CLOSED_AT,
    }


def _decision(symbol: str, outcome: str, sentence: str) -> dict[str, object]:
    return {
        "session": SESSION,
        "symbol": symbol,
        "outcome": outcome,
        "reason_code": "short_history" if outcome == "none" else "proposed",
        "sentence": sentence,
        "figures": "{}",
        "known_at": CLOSED_AT,
    }


def _risk() -> dict[str, object]:
    return {
        "session": SESSION,
        "portfolio": "total",
        "measure": "value_at_risk",
        "method": "historical",
        "level": 0.99,
        "horizon": 1,
        "value": 0.0061,
        "unit": "fraction",
        "n_obs": 252,
        "known_at": CLOSED_AT,
    }


def finding() -> dict[str, object]:
    return {
        "finding_id": "f1",
        "dataset": "daily_bars",
        "symbol": "AAPL",
        "session": SESSION,
        "rule": "unit_error",
        "severity": "error",
        "message": "The close arrived as 59.94, 89.9 % below 592.52 the session before.",
        "figures": "{}",
        "known_at": CLOSED_AT,
    }


def _held() -> dict[str, object]:
    return {
        "quarantine_id": "q1",
        "finding_id": "f1",
        "dataset": "daily_bars",
        "symbol": "AAPL",
        "session": SESSION,
        "row": json.dumps({"open": 59.1, "high": 60.2, "low": 58.8, "close": 59.94, "volume": 1}),
        "status": "held",
        "known_at": CLOSED_AT,
    }


def verdict(symbol: str, status: str, passed: int) -> dict[str, object]:
    return {
        "dataset": "daily_bars",
        "symbol": symbol,
        "session": SESSION,
        "status": status,
        "checks": 24,
        "checks_passed": passed,
        "finding_id": None if status == "passed" else "f1",
        "known_at": CLOSED_AT,
    }


def fresh() -> datetime:
    """A wall-clock moment that stays fresh for the length of a test."""
    return datetime.now(tz=UTC) + timedelta(minutes=5)
