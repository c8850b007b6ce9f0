"""Proposals of the drill, and the people who sign them."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa

from countersign.drill.compare import Signed
from countersign.drill.plan import PlannedLeg
from ledger import filed, market, people, proposals, signatures, state, stops, transact
from ledger.connection import new_id
from ledger.tables import legs as legs_table
from quality.calendar import exchange
from trading.orders import OCO, client_order_id
from trading.proposals import CheckResult, DataVerdict, Leg, Proposal, Risk, code_of
from trading.signatures import SignOutcome
from trading.state import TradingState

MODEL = "drill-1"

_TICK = Decimal("0.01")
_ABOVE, _BELOW = Decimal("1.005"), Decimal("0.995")  # a limit that is met soon
_PASSIVE = Decimal("0.985")  # one that may never be
_STOP, _TARGET = Decimal("0.95"), Decimal("1.05")
_LATELY_SECONDS = 360.0  # beyond the window in which the desk refuses duplicates
_DRIFT = Decimal("0.03")
_FOUR_EYES = Decimal(10_000)
_TOO_LARGE = Decimal("0.09")  # of equity, where 5 % is the limit
_STRATEGIES = 5  # so that the losses of one do not pause all
_PEOPLE = {"maria": "signatory", "jan": "signatory", "olga": "analyst"}
_BY_HAND = frozenset({"passive", "market", "protect"})
_TRAIL = Decimal(4)  # per cent
_DEEPER = Decimal("0.98")  # where the limit of a stop-limit stands to its stop


@dataclass(frozen=True)
class Seen:
    """What a person sees on the desk's pages when a proposal is made."""

    clock: market.Clock
    prices: dict[str, Decimal]
    held: dict[str, Decimal]
    bare: dict[str, Decimal]  # of what is held, neither with a stop nor on its way out
    account: market.Account


@dataclass
class People:
    """Two signatories and an analyst, and everything they have signed."""

    engine: sa.Engine
    signed: list[Signed] = field(default_factory=list)
    made: int = 0
    # When (monotonic seconds) each quantity of a symbol and side was last asked for.
    used: dict[tuple[str, str, Decimal], float] = field(default_factory=dict)
    tampered: set[str] = field(default_factory=set)  # codes of proposals that the drill altered

    def __post_init__(self) -> None:
        with self.engine.begin() as conn:
            self.ids = {name: _person(conn, name, role) for name, role in _PEOPLE.items()}

    def seen(self) -> Seen | None:
        """Return what the ledger shows now; None before the desk has heard of the market."""
        return transact(self.engine, _seen)

    def propose(
        self, planned: Sequence[PlannedLeg], seen: Seen, *, minutes: int | None = None
    ) -> Proposal:
        """Store a proposal of these legs, valid to the close or for some market minutes."""
        self.made += 1
        made = [self._leg(number, each, seen) for number, each in enumerate(planned, start=1)]
        proposal = self._proposal(tuple(made), planned[0].kind, seen, minutes)
        now = datetime.now(UTC)
        transact(self.engine, lambda conn: proposals.add(conn, proposal, desk_at=now))
        return proposal

    def sign(self, proposal: Proposal, *, tampered: bool = False) -> bool:
        """Have as many people sign as it takes; True when it is signed."""
        for who in ("maria", "jan"):
            if self.sign_once(proposal, who, tampered=tampered).state != "open":
                break
        return self.noted(proposal)

    def sign_once(self, proposal: Proposal, who: str, *, tampered: bool = False) -> SignOutcome:
        """Have one person sign; `tampered` alters a leg in the same instant."""

        def work(conn: sa.Connection) -> SignOutcome:
            outcome = signatures.sign(conn, **self.click(proposal, who), desk_at=datetime.now(UTC))
            if tampered and outcome.state == "signed":
                mine = legs_table.c.proposal_id == proposal.proposal_id
                conn.execute(
                    sa.update(legs_table).where(mine).values(quantity=legs_table.c.quantity + 1)
                )
                self.tampered.add(proposal.code)
            return outcome

        return transact(self.engine, work)

    def race(self, proposal: Proposal) -> bool:
        """Have one click twice while another vetoes; True when the signature won."""

        def veto() -> None:
            click = self.click(proposal, "jan")
            del click["price"]

            def work(conn: sa.Connection) -> SignOutcome:
                return signatures.veto(
                    conn,
                    **click,
                    reason_code="other",
                    reason_text="drill",
                    desk_at=datetime.now(UTC),
                )

            transact(self.engine, work)

        clicks = [
            threading.Thread(target=self.sign_once, args=(proposal, "maria")),
            threading.Thread(target=self.sign_once, args=(proposal, "maria")),
            threading.Thread(target=veto),
        ]
        for click in clicks:
            click.start()
        for click in clicks:
            click.join()
        return self.noted(proposal)

    def noted(self, proposal: Proposal) -> bool:
        """Remember what was signed, apart from the ledger; False when it was not."""
        stored = transact(self.engine, lambda conn: filed.by_id(conn, proposal.proposal_id))
        assert stored is not None
        complete = len(stored.signers) >= stored.signatures_needed
        if not complete or stored.state in {"open", "vetoed"}:
            return False
        self.signed += [
            Signed(
                leg=f"{proposal.code}/{leg.leg_no}",
                client_order_id=client_order_id(
                    proposal_id=proposal.proposal_id, leg_no=leg.leg_no, attempt=1
                ),
                symbol=leg.symbol,
                side=leg.side,
                quantity=leg.quantity,
                limit_price=leg.limit_price,
                protects=leg.protects,
            )
            for leg in proposal.legs
        ]
        return True

    def click(self, proposal: Proposal, who: str) -> dict[str, Any]:
        """Return what the page sends when a person signs."""
        return {
            "proposal_id": proposal.proposal_id,
            "person_id": self.ids[who],
            "content_hash": proposal.canonical()[1],
            "price": None,
            "market_at": proposal.created_market_at,
        }

    def set_state(self, to: TradingState, reason: str) -> None:
        """Set the trading state as a person."""
        now = datetime.now(UTC)
        transact(
            self.engine,
            lambda conn: state.change(
                conn, to=to, reason=reason, person_id=self.ids["maria"], desk_at=now
            ),
        )

    def _leg(self, number: int, planned: PlannedLeg, seen: Seen) -> Leg:
        price = seen.prices[planned.symbol]
        held = seen.held.get(planned.symbol, Decimal(0))
        if planned.kind == "protect" and any(seen.bare.values()):
            return _protecting(number, planned.dollars, seen)
        if planned.kind == "sell" and held >= 2:
            quantity = self._fresh(planned.symbol, "sell", (held / 2).to_integral_value())
            return Leg(
                leg_no=number,
                symbol=planned.symbol,
                side="sell",
                quantity=min(quantity, held),
                order_type="limit",
                time_in_force="day",
                reference_price=price,
                limit_price=_tick(price * _BELOW),
                reduces=True,
            )
        dollars = Decimal(planned.dollars)
        if planned.kind == "oversize":
            dollars = seen.account.equity * _TOO_LARGE
        quantity = max((dollars / price).to_integral_value(), Decimal(1))
        leg = Leg(
            leg_no=number,
            symbol=planned.symbol,
            side="buy",
            quantity=self._fresh(planned.symbol, "buy", quantity),
            order_type="limit",
            time_in_force="day",
            reference_price=price,
            limit_price=_tick(price * _ABOVE),
        )
        return _of_kind(leg, planned.kind, price)

    def _fresh(self, symbol: str, side: str, wanted: Decimal) -> Decimal:
        """A quantity near the wanted one, not asked for lately: that would be a duplicate."""
        now = time.monotonic()
        while now - self.used.get((symbol, side, wanted), -_LATELY_SECONDS) < _LATELY_SECONDS:
            wanted += 1
        self.used[symbol, side, wanted] = now
        return wanted

    def _proposal(
        self, legs: tuple[Leg, ...], kind: str, seen: Seen, minutes: int | None
    ) -> Proposal:
        identity, by_hand = new_id(), kind in _BY_HAND
        session = exchange().last_closed(seen.clock.now)
        assert seen.clock.next_close is not None  # an exchange has one
        ends = seen.clock.next_close
        if minutes is not None:
            ends = min(ends, seen.clock.now + timedelta(minutes=minutes))
        return Proposal(
            proposal_id=identity,
            code=code_of(identity),
            session=session,
            environment="replay",
            account_id=seen.account.account_id,
            strategy=f"drill {self.made % _STRATEGIES}",
            model_version=None if by_hand else MODEL,
            advisory=False,
            legs=legs,
            rationale=None,
            risk=Risk(equity=seen.account.equity, loss_to_stop=None, effects=()),
            checks=(CheckResult(12, "order_notional", True, False, "Asked again when sent."),),
            data=(DataVerdict(session, "passed", 1, 1, None),),
            valid_from=seen.clock.now - timedelta(hours=1),
            valid_until=ends,
            drift_bound=_DRIFT,
            drift_direction="adverse",
            signatures_needed=1,
            four_eyes_notional=_FOUR_EYES,
            snapshot_id=None,
            created_market_at=seen.clock.now,
            entered_by=self.ids["olga"] if by_hand else None,
        )


def _of_kind(leg: Leg, kind: str, price: Decimal) -> Leg:
    if kind == "passive":
        return replace(leg, limit_price=_tick(price * _PASSIVE))
    if kind == "market":
        return replace(leg, order_type="market", limit_price=None)
    stop = _tick(price * _STOP)
    if kind == "bracket":
        target = _tick(price * _TARGET)
        return replace(leg, time_in_force="gtc", stop_loss_price=stop, take_profit_price=target)
    return replace(leg, stop_loss_price=stop)


def _protecting(number: int, drawn: int, seen: Seen) -> Leg:
    """Protect what has most shares without a stop, in one of the ways as chance has it."""
    symbol = max(seen.bare, key=lambda name: seen.bare[name])
    price = seen.prices[symbol]
    stop = _tick(price * _STOP)
    leg = Leg(
        leg_no=number,
        symbol=symbol,
        side="sell",
        quantity=seen.bare[symbol],
        order_type="stop",
        time_in_force="gtc",
        reference_price=price,
        stop_price=stop,
        reduces=True,
    )
    ways = (
        leg,
        replace(leg, order_type="stop_limit", limit_price=_tick(stop * _DEEPER)),
        replace(leg, order_type="trailing_stop", stop_price=None, trail_percent=_TRAIL),
        replace(
            leg, order_type="limit", order_class=OCO, stop_price=None, stop_loss_price=stop,
            limit_price=_tick(price * _TARGET),
        ),
    )  # fmt: skip
    return ways[drawn % len(ways)]


def _tick(price: Decimal) -> Decimal:
    return price.quantize(_TICK, ROUND_HALF_UP)


def _seen(conn: sa.Connection) -> Seen | None:
    clock, account = market.latest_clock(conn), market.latest_account(conn)
    prices = {
        symbol: quote.last
        for symbol, quote in market.latest_quotes(conn).items()
        if quote.last is not None
    }
    if clock is None or account is None:
        return None
    held = {symbol: each.quantity for symbol, each in market.latest_positions(conn).items()}
    bare = {symbol: _bare(conn, symbol, quantity) for symbol, quantity in held.items()}
    return Seen(clock=clock, prices=prices, held=held, bare=bare, account=account)


def _bare(conn: sa.Connection, symbol: str, held: Decimal) -> Decimal:
    leaving = stops.closing_shares(conn, symbol).get("sell", Decimal(0))
    return max(held - leaving - stops.covered(conn, symbol, "sell"), Decimal(0))


def _person(conn: sa.Connection, name: str, role: str) -> str:
    person = people.add(
        conn,
        login=name,
        display_name=name.title(),
        roles=(role,),
        desk_at=datetime.now(UTC),
        origin="os",
    )
    return person.person_id
