"""Every pre-trade check and every limit has its row here; one without fails the test."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.limits import Limits
from tests.unit.trading.pictures import (
    ACCOUNT,
    BUY,
    CLOSE,
    HOLDING,
    LIMITS,
    NOW,
    PICTURE,
    TERMS,
    result,
)  # fmt: skip
from tests.unit.trading.test_pretrade import BEYOND, MISSING, OF_THE_LEG, losing
from tests.unit.trading.test_pretrade_batches import HUNDRED, SYMBOLS, WIDE, wide
from trading.picture import (
    Activity,
    DataNow,
    Holding,
    MarketNow,
    ModelNow,
    Picture,
    QuoteNow,
    RecentOrder,
    Reconciled,
    WorkingOrder,
)  # fmt: skip
from trading.pretrade import CHECKS, denials, judge, judge_leg
from trading.proposals import Leg
from trading.state import TradingState

D = Decimal
ASSET = PICTURE.assets["IBM"]
IDLE = Activity(last_minute=0, today=0, symbol_today={}, recent=())
SHORT = replace(BUY, side="sell", limit_price=D("195.00"), stop_loss_price=None)
LONG_AAPL = {"AAPL": Holding(D(48), D("101.5625"))}  # 4,875 USD, as 25 IBM at 195.00


def account(**changes: Any) -> dict[str, Any]:
    return {"account": replace(ACCOUNT, **changes)}


@dataclass(frozen=True)
class Bound:
    """A limit, the check that keeps it, and values just below and just at its figure."""

    limit: str
    check: int
    denies: object
    allows: object
    picture: dict[str, Any] = field(default_factory=dict)
    leg: Leg = BUY


# 25 IBM at 195.93 are 4,898.25 USD of 100,000; to the stop at 186.71 they risk 230.50.
BOUNDS = [
    Bound("position_share", 13, D("0.0489824"), D("0.0489825")),
    Bound("position_ceiling", 13, D("0.0489824"), D("0.0489825")),
    Bound("advisory_position", 13, D("0.0489824"), D("0.0489825")),
    Bound(
        "advisory_position_connected", 13, D("0.0489824"), D("0.0489825"),
        {"environment": "paper", "account_environment": "paper"},
    ),
    Bound("order_notional", 12, D("4898.24"), D("4898.25")),
    Bound("order_quantity", 10, D(24), D(25)),
    Bound("order_volume_share", 12, D("0.00000624"), D("0.00000625")),  # of 4,000,000 shares
    Bound("gross_exposure", 14, D("0.0489824"), D("0.0489825")),
    Bound("net_exposure", 14, D("0.0489824"), D("0.0489825")),
    # At a beta of 2 they weigh 9,796.50 USD.
    Bound("beta_exposure", 14, D("0.0979649"), D("0.0979650"), {"betas": {"IBM": D(2)}}),
    Bound("sector_share", 14, D("0.0489824"), D("0.0489825")),
    Bound("positions", 14, 0, 1),
    # 25 short at the market's 195.46 are 4,886.50 of 9,761.50 USD gross: 50.06 %.
    Bound(
        "short_share", 15, D("0.5005"), D("0.5006"),
        {"positions": LONG_AAPL, "sectors": {"IBM": "Technology", "AAPL": "Technology"}}, SHORT,
    ),
    Bound("trade_risk", 17, D("0.0023049"), D("0.0023050")),
    Bound("open_risk", 17, D("0.0023049"), D("0.0023050")),
    # Three sessions of 200 lost all: 4.89825 % of equity at 99 %.
    Bound("value_at_risk", 17, D("0.0489"), D("0.0490"), losing("1.0")),
    Bound("daily_loss_pause", 17, D("0.02"), D("0.0200001"), account(equity=D(98_000))),
    # From the halving on 2.5 % of equity are one position's limit.
    Bound("drawdown_halve", 13, D("0.01"), D("0.0100001"), account(equity=D(99_000))),
    Bound("drawdown_reduce", 17, D("0.01"), D("0.0100001"), account(equity=D(99_000))),
    Bound("consecutive_losses", 24, 3, 4, {"consecutive_losses": 3}),
    Bound("orders_per_minute", 18, 4, 5, {"activity": replace(IDLE, last_minute=4)}),
    Bound("orders_per_day", 18, 4, 5, {"activity": replace(IDLE, today=4)}),
    Bound(
        "symbol_orders_per_day", 18, 4, 5, {"activity": replace(IDLE, symbol_today={"IBM": 4})}
    ),
    Bound(
        "duplicate_window_minutes", 19, 2, 1,
        {"activity": replace(IDLE, recent=(RecentOrder("IBM", "buy", D(25), 120, "p0", 1),))},
    ),
    # 195.93 / 195.46 - 1 = 0.24046 %
    Bound("collar", 11, D("0.002404"), D("0.002405")),
    Bound("daily_data_age_sessions", 6, 2, 3, {"data": {"IBM": DataNow("passed", 3)}}),
    Bound(
        "quote_age_seconds", 11, 29, 30,
        {"quotes": {"IBM": QuoteNow(None, None, D("195.46"), 30)}},
    ),
    Bound("reconciliation_age_seconds", 5, 99, 100, {"reconciled": Reconciled(True, 100)}),
]  # fmt: skip
# Limits that no pre-trade check reads, and who keeps them.
ELSEWHERE = {
    "profile": "the name of the set",
    "volume_sessions": "how the average volume is computed",
    "gross_exposure_intraday": "nobody: the desk proposes nothing within the day",
    "intraday_data_age_seconds": "the live feed: no signal from data that is older",
    "daily_loss_reduce": "a circuit breaker",
    "drawdown_halt": "a circuit breaker",
    "silence_reduce_seconds": "a circuit breaker",
    "alert_reduce_minutes": "a circuit breaker",
    "four_eyes_notional": "the signature",
    "intraday_validity_minutes": "the terms of a trade entered by hand",
    "intraday_drift": "the terms of a trade entered by hand",
    "next_session_validity_minutes": "the terms of a proposal",
    "next_session_drift": "the terms of a proposal",
    "next_session_drift_volatility": "the terms of a proposal",
    "resend_grace_seconds": "sending",
    "lease_seconds": "sending",
}


def test_every_limit_has_its_row() -> None:
    assert {bound.limit for bound in BOUNDS} | set(ELSEWHERE) == set(Limits.model_fields)


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.limit)
def test_each_limit_denies_just_beyond_and_allows_just_within(bound: Bound) -> None:
    def judged(value: object) -> Any:
        limits = LIMITS.model_copy(update={bound.limit: value})
        return result(bound.check, bound.leg, **bound.picture, limits=limits)

    beyond, within = judged(bound.denies), judged(bound.allows)

    assert beyond.denies, beyond
    assert within.passed, within
    assert not within.warning or bound.limit == "value_at_risk" or bound.check == 17
    # A denial is explained by its figure and its limit.
    assert beyond.figure is not None
    assert beyond.limit is not None
    assert beyond.unit


def test_every_check_denies_something_and_misses_something() -> None:
    every = {check.number for check in CHECKS}
    denied = {row[0] for row in (*BEYOND, *OF_THE_LEG)} | {bound.check for bound in BOUNDS}

    # What claims to reduce and does not, and only that, is the business of 23.
    assert denied | {23} == every
    assert result(23, CLOSE).denies
    assert result(23, CLOSE, HOLDING).passed
    assert {number for number, _ in MISSING} | {23} == every
    assert result(23, CLOSE, positions=None).denies


@dataclass(frozen=True)
class Trap:
    """What stops an opening order, and what becomes of one that only reduces.

    ``passes`` and ``warns``: it goes. ``waits``: it goes as soon as time or a person cures it,
    and its signature stays. ``denied``: it is at fault itself, and a better one goes.
    """

    check: int
    changes: dict[str, Any]
    reducing: str


MANY = {"IBM": Holding(D(200_000), D("195.46"))}
REPEATED = tuple(RecentOrder("IBM", side, D(25), 299, "p0", 1) for side in ("buy", "sell"))
MET = (
    WorkingOrder("IBM", "sell", D(1), D("195.93"), "limit", "p0", 1, attached=True),
    WorkingOrder("IBM", "buy", D(1), D("195.00"), "limit", "p0", 2),
)
TRAPS = [
    Trap(1, {"signed": replace(TERMS, valid_until=NOW)}, "denied"),
    Trap(1, {"market": None}, "waits"),
    Trap(2, {"signed": replace(TERMS, signers=())}, "denied"),
    Trap(3, {"account_environment": "live"}, "denied"),
    Trap(3, {"account_environment": None}, "waits"),
    Trap(4, {"trading_state": TradingState.REDUCING}, "passes"),
    Trap(4, {"trading_state": TradingState.HALTED}, "waits"),
    Trap(4, {"trading_state": None}, "waits"),
    Trap(5, {"reconciled": Reconciled(False, 1, frozenset({"AAPL"}))}, "passes"),
    Trap(5, {"reconciled": Reconciled(False, 1, frozenset({"IBM"}))}, "waits"),
    Trap(5, {"reconciled": Reconciled(True, 181)}, "waits"),
    Trap(6, {"data": {"IBM": DataNow("held", 9)}}, "warns"),
    Trap(6, {"data": {}}, "warns"),
    Trap(7, {"model": ModelNow("m", "retired", False)}, "warns"),
    Trap(7, {"model": None}, "warns"),
    Trap(8, {"account": replace(ACCOUNT, blocked=True)}, "waits"),
    Trap(8, {"assets": {}}, "waits"),
    Trap(9, {"market": MarketNow(NOW, False, None, None)}, "waits"),
    Trap(10, {"assets": {}}, "waits"),
    Trap(11, {"quotes": {}}, "waits"),
    Trap(11, {"quotes": {"IBM": QuoteNow(None, None, D("195.46"), 61)}}, "waits"),
    Trap(12, {"average_volume": {"IBM": D(100)}}, "warns"),
    Trap(12, {"average_volume": {}}, "warns"),
    Trap(13, {"account": replace(ACCOUNT, equity=D(10_000))}, "passes"),
    Trap(13, {"account": None}, "passes"),
    Trap(14, {"account": replace(ACCOUNT, settled_cash=D(1))}, "passes"),
    Trap(14, {"sectors": {}}, "passes"),
    Trap(14, {"account": replace(ACCOUNT, equity=D(24_999), day_trades=3)}, "passes"),
    Trap(15, {"working": None}, "waits"),
    Trap(16, {"assets": {"IBM": replace(ASSET, kind="us_option")}}, "denied"),
    Trap(17, {"account": replace(ACCOUNT, equity=D(70_000))}, "warns"),
    Trap(17, {"returns": {}}, "warns"),
    Trap(17, {"account": replace(ACCOUNT, last_equity=None)}, "warns"),
    Trap(18, {"activity": replace(IDLE, last_minute=30)}, "waits"),
    Trap(18, {"activity": replace(IDLE, today=100)}, "warns"),
    Trap(18, {"activity": replace(IDLE, symbol_today={"IBM": 10})}, "warns"),
    Trap(18, {"activity": None}, "waits"),
    Trap(19, {"activity": None}, "waits"),
    Trap(19, {"activity": replace(IDLE, recent=REPEATED)}, "waits"),
    Trap(20, {"working": None}, "waits"),
    Trap(20, {"working": MET}, "waits"),
    Trap(21, {"quotes": {}}, "passes"),  # the position's own price serves
    Trap(21, {"quotes": {"IBM": QuoteNow(None, None, D("200"), 5)}}, "denied"),
    Trap(22, {"builds": frozenset({"b1", "b2"})}, "waits"),
    Trap(22, {"builds": None}, "waits"),
    Trap(24, {"consecutive_losses": 8}, "warns"),
    Trap(24, {"consecutive_losses": None}, "warns"),
]


def test_every_check_has_a_row_about_reducing() -> None:
    assert {trap.check for trap in TRAPS} | {23} == {check.number for check in CHECKS}


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: f"{trap.check}-{trap.reducing}")
def test_a_reducing_order_is_not_trapped(trap: Trap) -> None:
    opening = result(trap.check, BUY, **trap.changes)
    reducing = result(trap.check, CLOSE, HOLDING, **trap.changes)

    # 15 asks a buyer nothing about borrowing; what sells short is asked.
    assert opening.denies or result(trap.check, SHORT, **trap.changes).denies
    assert _becomes(reducing) == trap.reducing, reducing


def _becomes(reducing: Any) -> str:
    if reducing.passed:
        return "warns" if reducing.warning else "passes"
    return "waits" if reducing.later else "denied"


def test_a_sale_that_only_reduces_is_repeated_at_once_after_one_that_sold_nothing() -> None:
    refused = RecentOrder("IBM", "sell", D(25), 1, "p0", 1, in_vain=True)
    bought = replace(refused, side="buy")

    again = result(19, CLOSE, HOLDING, activity=replace(IDLE, recent=(refused,)))
    opening = result(19, BUY, activity=replace(IDLE, recent=(bought,)))

    assert again.passed
    assert not again.warning
    assert opening.denies
    assert not opening.later  # an entry is not repeated, whatever became of the first


def test_a_sale_waits_for_the_window_and_no_longer_while_one_like_it_may_be_filled() -> None:
    def judged(age: int) -> Any:
        sold = RecentOrder("IBM", "sell", D(25), age, "p0", 1)
        return result(19, CLOSE, HOLDING, activity=replace(IDLE, recent=(sold,)))

    assert judged(300).denies
    assert judged(300).later
    assert judged(301).passed


def test_two_stops_for_the_same_shares_are_signed_together_two_entries_are_not() -> None:
    stops = [replace(CLOSE, quantity=D(10)), replace(CLOSE, quantity=D(10), leg_no=2)]
    entries = [replace(BUY, quantity=D(5)), replace(BUY, quantity=D(5), leg_no=2)]

    assert not denials(judge(HOLDING, stops))
    assert [check.code for check in denials(judge(PICTURE, entries))] == ["duplicate"]


@pytest.mark.parametrize("attached", ["stop_loss_price", "take_profit_price"])
@pytest.mark.parametrize("said", [True, False])
def test_an_order_that_closes_a_position_brings_no_order_that_opens_another(
    attached: str, said: bool
) -> None:
    """A broker sends what hangs on a sale as a purchase, once the sale is filled."""
    price = D("205.00") if attached == "stop_loss_price" else D("180.00")
    brings: dict[str, Any] = {attached: price}

    assert result(23, replace(CLOSE, reduces=said, **brings), HOLDING).denies
    assert result(23, replace(CLOSE, reduces=said), HOLDING).passed
    assert result(23, replace(BUY, reduces=False)).passed  # an entry brings its stop


def test_a_position_larger_than_one_order_may_be_is_closed_in_parts() -> None:
    whole = replace(CLOSE, quantity=D(200_000))
    denied = result(10, whole, HOLDING, positions=MANY)

    assert denied.fits == LIMITS.order_quantity
    part = replace(whole, quantity=denied.fits)
    assert result(10, part, HOLDING, positions=MANY).passed


def test_a_reducing_order_passes_everything_that_may_be_wrong_at_once() -> None:
    wrong: dict[str, Any] = {}
    for trap in TRAPS:
        # A quote it needs, and what is wrong with the account is put together below.
        if trap.reducing in {"passes", "warns"} and not trap.changes.keys() & {"account", "quotes"}:
            wrong |= trap.changes
    wrong["account"] = replace(ACCOUNT, equity=D(60_000), settled_cash=D(1))

    assert denials(judge_leg(replace(HOLDING, **wrong), CLOSE)) == ()


PAST = np.where(np.arange(250) % 60 == 0, -0.02, 0.001)
FULL = replace(
    WIDE,
    account=replace(ACCOUNT, buying_power=D(400_000), settled_cash=D(60_000)),
    returns=dict.fromkeys(SYMBOLS, PAST),
    stop_demanded=True,
)
orders = st.tuples(
    st.sampled_from(SYMBOLS), st.sampled_from(["buy", "buy", "sell"]), st.integers(1, 60),
    st.sampled_from(["98.00", "94.00", "90.00", None]),
)  # fmt: skip
books = st.dictionaries(st.sampled_from(SYMBOLS), st.integers(-40, 45).filter(bool), max_size=20)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(orders, min_size=1, max_size=30), books)
def test_no_batch_exceeds_any_limit_whichever_of_its_orders_are_filled(
    wanted: list[tuple[str, str, int, str | None]], book: dict[str, int]
) -> None:
    start = {symbol: D(n) for symbol, n in book.items()}
    picture = replace(FULL, positions={s: Holding(q, HUNDRED) for s, q in start.items()})
    sent: list[Leg] = []
    for n, (symbol, side, quantity, stop) in enumerate(wanted, start=1):
        leg = wide(n, symbol, side, quantity)
        if stop is not None and side == "buy":
            leg = replace(leg, stop_loss_price=D(stop))
        if not denials(judge(picture, [*sent, leg])):
            sent.append(leg)

    assert len(sent) <= LIMITS.orders_per_minute
    _each_order_is_within(sent, picture)
    for filled in (sent, sent[::2], sent[1::2], sent[: len(sent) // 2]):
        _book_is_within(start, filled, picture)


def _each_order_is_within(sent: list[Leg], picture: Picture) -> None:
    risk = D(0)
    held = {symbol: each.quantity for symbol, each in (picture.positions or {}).items()}
    for leg in sent:
        assert leg.notional <= LIMITS.order_notional
        assert leg.quantity <= LIMITS.order_volume_share * picture.average_volume[leg.symbol]
        signed = leg.quantity if leg.side == "buy" else -leg.quantity
        if held.get(leg.symbol, D(0)) * signed >= 0:  # it opens
            each = HUNDRED if leg.stop_loss_price is None else HUNDRED - leg.stop_loss_price
            risk += leg.quantity * each
            assert leg.quantity * each <= LIMITS.trade_risk * ACCOUNT.equity
    assert risk <= LIMITS.open_risk * ACCOUNT.equity
    by_symbol: dict[str, int] = defaultdict(int)
    for leg in sent:
        by_symbol[leg.symbol] += 1
    assert max(by_symbol.values(), default=0) <= LIMITS.symbol_orders_per_day


def _book_is_within(start: dict[str, Decimal], filled: list[Leg], picture: Picture) -> None:
    """Each figure of the book is within its limit, or no worse than it was before."""
    after = defaultdict(Decimal, start)
    bought = D(0)
    for leg in filled:
        signed = leg.quantity if leg.side == "buy" else -leg.quantity
        # Shares that are short may be bought back with what they were sold for.
        covered = min(max(-after[leg.symbol], D(0)), leg.quantity) if leg.side == "buy" else D(0)
        after[leg.symbol] += signed
        bought += (leg.quantity - covered) * HUNDRED if leg.side == "buy" else D(0)
    assert bought <= D(60_000)  # settled cash
    now, before = _figures(after, picture), _figures(start, picture)
    equity = ACCOUNT.equity
    limits = {
        "gross": LIMITS.gross_exposure * equity,
        "net": LIMITS.net_exposure * equity,
        "count": D(LIMITS.positions),
        **{f"sector {n}": LIMITS.sector_share * equity for n in range(3)},
        **{f"position {s}": LIMITS.position_share * equity for s in SYMBOLS},
    }
    for name, limit in limits.items():
        assert now[name] <= max(limit, before[name]), name
    for symbol in after:  # nothing goes through zero
        assert start.get(symbol, D(0)) * after[symbol] >= 0


def _figures(held: dict[str, Decimal], picture: Picture) -> dict[str, Decimal]:
    values = {symbol: held.get(symbol, D(0)) * HUNDRED for symbol in SYMBOLS}
    inside = {f"sector {n}": D(0) for n in range(3)}
    for symbol, value in values.items():
        inside[picture.sectors[symbol].lower()] += abs(value)
    return {
        "gross": sum((abs(v) for v in values.values()), D(0)),
        "net": abs(sum(values.values(), D(0))),
        "count": D(sum(1 for v in values.values() if v)),
        **inside,
        **{f"position {s}": abs(v) for s, v in values.items()},
    }


def test_an_expired_signature_is_over_at_its_very_instant() -> None:
    assert result(1, signed=replace(TERMS, valid_until=NOW)).denies
    assert result(1, signed=replace(TERMS, valid_until=NOW + timedelta(microseconds=1))).passed


def test_an_own_order_on_the_other_side_is_met_at_its_price_and_not_before() -> None:
    other = WorkingOrder("IBM", "sell", D(1), D("195.93"), "limit", "p0", 1)

    assert result(20, working=(other,)).denies
    assert result(20, working=(replace(other, price=D("195.94")),)).passed
