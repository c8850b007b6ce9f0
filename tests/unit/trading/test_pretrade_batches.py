"""Laws of whole batches: limits hold after all fills, and what is said to fit does."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.trading.pictures import ACCOUNT, BUY, CLOSE, HOLDING, LIMITS, PICTURE
from trading.broker import BrokerAsset
from trading.checks.fitting import fitting_quantity
from trading.picture import Activity, DataNow, Holding, ModelNow, QuoteNow, RecentOrder
from trading.pretrade import denials, judge, judge_leg
from trading.proposals import Leg
from trading.state import TradingState

D = Decimal
SYMBOLS = tuple(f"S{n:02}" for n in range(30))
HUNDRED = D(100)
WIDE = replace(
    PICTURE,
    account=replace(ACCOUNT, buying_power=D(400_000)),
    quotes={symbol: QuoteNow(None, None, HUNDRED, 5) for symbol in SYMBOLS},
    data={symbol: DataNow("passed", 0, 24, 24) for symbol in SYMBOLS},
    assets={symbol: BrokerAsset(symbol, True, True, True, True) for symbol in SYMBOLS},
    average_volume={symbol: D(1_000_000) for symbol in SYMBOLS},
    sectors={symbol: f"Sector {n % 3}" for n, symbol in enumerate(SYMBOLS)},
)


def wide(leg_no: int, symbol: str, side: str, quantity: int) -> Leg:
    return replace(
        BUY,
        leg_no=leg_no,
        symbol=symbol,
        side="buy" if side == "buy" else "sell",
        quantity=D(quantity),
        reference_price=HUNDRED,
        limit_price=HUNDRED,
        stop_loss_price=None,
    )


orders = st.tuples(
    st.sampled_from(SYMBOLS), st.sampled_from(["buy", "buy", "sell"]), st.integers(1, 60)
)
books = st.dictionaries(st.sampled_from(SYMBOLS), st.integers(-40, 45).filter(bool), max_size=20)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(orders, min_size=1, max_size=30), books)
def test_legs_sent_while_they_pass_never_exceed_a_limit_whichever_are_filled(
    wanted: list[tuple[str, str, int]], book: dict[str, int]
) -> None:
    start = {symbol: D(n) for symbol, n in book.items()}
    picture = replace(WIDE, positions={s: Holding(q, HUNDRED) for s, q in start.items()})
    sent: list[Leg] = []
    for n, (symbol, side, quantity) in enumerate(wanted, start=1):
        leg = wide(n, symbol, side, quantity)
        if not denials(judge(picture, [*sent, leg])):
            sent.append(leg)

    for filled in (sent, sent[::2], sent[1::2]):
        _require_within(start, filled)


def _require_within(start: dict[str, Decimal], filled: list[Leg]) -> None:
    """Each share is within its limit or no larger than it was before."""
    after = defaultdict(Decimal, start)
    for leg in filled:
        after[leg.symbol] += leg.quantity if leg.side == "buy" else -leg.quantity
    for symbol, quantity in after.items():
        assert abs(quantity) * HUNDRED <= LIMITS.position_share * ACCOUNT.equity or abs(
            quantity
        ) <= abs(start.get(symbol, D(0)))
    gross = sum(abs(q) for q in after.values()) * HUNDRED
    before = sum(abs(q) for q in start.values()) * HUNDRED
    assert gross <= max(LIMITS.gross_exposure * ACCOUNT.equity, before)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(1, 600), st.integers(-40, 60), st.sampled_from(["buy", "sell"]))
def test_what_is_said_to_fit_passes_and_one_more_does_not(
    quantity: int, held: int, side: str
) -> None:
    positions = {"S00": Holding(D(held), HUNDRED)} if held else {}
    picture = replace(WIDE, positions=positions)
    leg = wide(1, "S00", side, quantity)
    fits = fitting_quantity(picture, leg)

    assert 0 <= fits <= quantity
    if fits > 0:
        assert not denials(judge_leg(picture, replace(leg, quantity=fits)))
    if fits < quantity:
        assert denials(judge_leg(picture, replace(leg, quantity=fits + 1)))


def test_fifty_shares_of_a_hundred_dollars_are_five_per_cent_of_a_hundred_thousand() -> None:
    assert fitting_quantity(WIDE, wide(1, "S00", "buy", 600)) == 50


def test_a_quantity_sent_a_moment_ago_is_passed_over() -> None:
    same = RecentOrder("S00", "buy", D(50), 1, "p0", 1)
    busy = Activity(last_minute=1, today=1, symbol_today={"S00": 1}, recent=(same,))

    assert fitting_quantity(replace(WIDE, activity=busy), wide(1, "S00", "buy", 600)) == 49


@pytest.mark.parametrize("quantity", ["NaN", "-1", "0", "Infinity"])
def test_nothing_fits_of_what_is_no_quantity(quantity: str) -> None:
    assert fitting_quantity(WIDE, replace(wide(1, "S00", "buy", 1), quantity=D(quantity))) == 0


def test_nothing_fits_while_trading_is_halted() -> None:
    halted = replace(WIDE, trading_state=TradingState.HALTED)

    assert fitting_quantity(halted, wide(1, "S00", "buy", 10)) == 0


@pytest.mark.parametrize(
    ("environment", "fits"),
    [("replay", 25), ("paper", 5), ("live", 0)],  # 5 %, 1 % and nothing at 195.93
)
def test_an_advisory_model_may_take_less_the_nearer_real_money_is(
    environment: str, fits: int
) -> None:
    picture = replace(
        PICTURE,
        environment=environment,
        account_environment=environment,
        model=ModelNow("m", "challenger", advisory_allowed=True),
    )

    assert fitting_quantity(picture, replace(BUY, quantity=D(40))) == fits


def test_everything_that_may_be_missing_at_once_does_not_trap_a_position() -> None:
    worst = replace(
        HOLDING,
        data={},
        model=None,
        consecutive_losses=None,
        trading_state=TradingState.REDUCING,
        account=replace(ACCOUNT, equity=D(60_000), last_equity=None, peak=None),
        average_volume={},
        sectors={},
    )

    assert denials(judge_leg(worst, CLOSE)) == ()
