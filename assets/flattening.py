"""A proposal that closes every position: drafted by the desk, ordered and signed by people.

It asks the broker what is held and needs neither the warehouse nor a model: bad data, a dead
pipeline or a halt must not trap a position.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from config.limits import Limits
from ledger.connection import new_id
from ledger.situation import situation
from quality.calendar import exchange
from quant.typing import FloatArray
from trading.broker import Broker, BrokerAccount, BrokerPosition
from trading.errors import NotAllowedError
from trading.looking import account_now, quotes_now
from trading.picture import DataNow, Holding, MarketNow, ModelNow, Picture
from trading.pretrade import judge
from trading.proposals import FLATTEN, Effect, Leg, Proposal, Risk, code_of
from trading.signatures import signatures_needed

_ZERO = Decimal(0)


class NoResearch:
    """Facts of a desk that asks nobody: checks that need them only warn an order that reduces."""

    def data(self, symbols: Sequence[str]) -> Mapping[str, DataNow]:
        """Return no quality verdict."""
        return {}

    def model(self, version: str | None) -> ModelNow | None:
        """Return no model."""
        return None

    def average_volume(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Return no volume."""
        return {}

    def recent_returns(self, symbols: Sequence[str]) -> Mapping[str, FloatArray]:
        """Return no returns."""
        return {}

    def betas(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Return no beta."""
        return {}

    def sectors(self) -> Mapping[str, str]:
        """Return no sector."""
        return {}

    def restricted(self) -> frozenset[str]:
        """Return no symbol: what people ordered to be closed is closed."""
        return frozenset()


def flatten_proposal(
    ledger: sa.Engine, broker: Broker, *, environment: str, limits: Limits, desk_at: datetime
) -> Proposal:
    """Return a proposal of market orders that close every position the broker holds.

    Parameters
    ----------
    environment : str
        Of the account: replay, paper or live.
    desk_at : datetime
        Wall time.

    Returns
    -------
    Proposal
        One leg a position, each only reducing; valid until the next close.

    Raises
    ------
    NotAllowedError
        If nothing is held, or a position has no price.
    BrokerUnavailableError
        If the broker does not answer; it is never read as flat.
    """
    held = [position for position in broker.positions() if position.quantity]
    if not held:
        raise NotAllowedError("There is nothing to flatten: the broker holds no position.")
    account = broker.account()
    picture = picture_of_held(
        ledger, broker, held, account, environment, limits, desk_at, command=FLATTEN
    )
    assert picture.market is not None
    legs = tuple(_closing(n, one, picture) for n, one in enumerate(_ordered(held), start=1))
    if picture.market.next_close is None:
        raise NotAllowedError("Nobody knows when the market closes next; ask again.")
    return drafted_by_desk(
        picture,
        legs,
        until=picture.market.next_close,
        account_id=account.account_id,
        strategy=FLATTEN,
        risk=_risk(legs, picture),
    )


def drafted_by_desk(
    picture: Picture,
    legs: Sequence[Leg],
    *,
    until: datetime,
    account_id: str,
    strategy: str,
    risk: Risk,
    reason: str | None = None,
) -> Proposal:
    """Return a proposal that no model stands behind, from now on, judged by `picture`.

    It lapses when a price moves by more than the collar against it. Of its legs the one that
    needs most signatures says how many all need.
    """
    assert picture.market is not None
    proposal_id, limits, now = new_id(), picture.limits, picture.market.now
    return Proposal(
        proposal_id=proposal_id,
        code=code_of(proposal_id),
        session=exchange().last_closed(now),
        environment=picture.environment,
        account_id=account_id,
        strategy=strategy,
        model_version=None,
        advisory=False,
        legs=tuple(legs),
        rationale=None,
        risk=risk,
        checks=judge(picture, legs),
        data=(),
        valid_from=now,
        valid_until=until,
        drift_bound=limits.collar,
        drift_direction="adverse",
        signatures_needed=max(
            signatures_needed(notional=leg.notional, four_eyes_notional=limits.four_eyes_notional)
            for leg in legs
        ),
        four_eyes_notional=limits.four_eyes_notional,
        snapshot_id=None,
        created_market_at=now,
        command=picture.command,
        reason=reason,
    )


def _ordered(held: Sequence[BrokerPosition]) -> list[BrokerPosition]:
    """Largest first; what is sold comes before what is bought back."""
    return sorted(held, key=lambda one: (one.quantity < 0, -abs(one.market_value or _ZERO)))


def _closing(number: int, held: BrokerPosition, picture: Picture) -> Leg:
    price = picture.market_price(held.symbol)
    if price is None or price <= 0:
        raise NotAllowedError(f"Nobody gives a price for the {held.symbol} held; ask again.")
    return Leg(
        leg_no=number,
        symbol=held.symbol,
        side="sell" if held.quantity > 0 else "buy",
        quantity=abs(held.quantity),
        order_type="market",
        time_in_force="day",
        reference_price=price,
        reduces=True,
    )


def picture_of_held(
    ledger: sa.Engine,
    broker: Broker,
    held: Sequence[BrokerPosition],
    account: BrokerAccount,
    environment: str,
    limits: Limits,
    desk_at: datetime,
    *,
    command: str | None,
) -> Picture:
    """Return the picture of positions that are to shrink or be protected: no research is asked.

    Raises
    ------
    BrokerUnavailableError
        If the broker does not answer.
    """
    symbols = [position.symbol for position in held]
    clock = broker.clock()
    quotes = quotes_now(broker.quotes(symbols), clock, limits)
    assets = {name: broker.asset(name) for name in symbols}
    with ledger.connect() as conn:
        now = situation(conn, desk_at=desk_at, market_at=clock.now)
    return Picture(
        limits=limits,
        environment=environment,
        sending=False,
        proposal_id="",
        account_environment=now.account_environment,
        trading_state=now.trading_state,
        reconciled=now.reconciled,
        market=MarketNow(clock.now, clock.is_open, clock.next_open, clock.next_close),
        account=account_now(account, paid_in=now.paid_in, day_high=now.day_high, peak=now.peak),
        positions={
            one.symbol: Holding(one.quantity, one.market_price or one.average_price) for one in held
        },
        working=now.working,
        activity=now.activity,
        by_hand=True,  # no model stands behind it
        command=command,
        quotes=quotes,
        assets={name: asset for name, asset in assets.items() if asset is not None},
        consecutive_losses=0,
        builds=now.builds,
    )


def _risk(legs: Sequence[Leg], picture: Picture) -> Risk:
    account = picture.account
    if account is None or account.equity <= 0:
        return Risk(equity=_ZERO, loss_to_stop=None, effects=())
    gross = sum((leg.quantity * leg.reference_price for leg in legs), _ZERO)
    signed = sum((leg.notional if leg.side == "sell" else -leg.notional for leg in legs), _ZERO)
    share = (gross / account.equity).quantize(Decimal("0.000001"))
    return Risk(
        equity=account.equity,
        loss_to_stop=None,
        effects=(
            Effect("Gross exposure", share, _ZERO, picture.limits.gross_exposure, "fraction"),
            Effect("Cash", account.cash, account.cash + signed, None, "USD"),
        ),
    )
