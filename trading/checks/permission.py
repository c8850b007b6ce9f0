"""May this proposal be traded at all? Signature, environment, state, data, model, build."""

from decimal import Decimal

from trading.checks.answer import Answer, Measure, no, unknown, yes
from trading.picture import Picture, WorkingOrder
from trading.proposals import FLATTEN, Leg
from trading.signatures import beyond, drift
from trading.state import TradingState
from trading.wording import percent, price, shares, signed_percent


def signature(picture: Picture, leg: Leg) -> Answer:
    """1: signed, complete, unexpired, bound to the stored bytes, unused for this leg."""
    if not picture.sending:
        return yes("It needs a signature before anything is sent.")
    terms, market = picture.signed, picture.market
    if terms is None or terms.state != "signed":
        said = "not signed" if terms is None else terms.state
        return no(f"The proposal is {said}.")
    if not terms.intact:
        return no("The stored proposal is not the one that was signed.")
    if market is None:
        return unknown("the market's time")
    if market.now >= terms.valid_until:
        return no("The signature's time is over.")
    return yes("The signature is valid.")


def signatory(picture: Picture, leg: Leg) -> Answer:
    """2: enough different people, each allowed now, none of them who entered it."""
    if not picture.sending:
        return yes("Who signs is checked when they sign and again before sending.")
    terms = picture.signed
    if terms is None:
        return no("Nobody has signed.")
    counted = set(terms.signers) & terms.allowed_signers - {terms.entered_by}
    figure, limit = Decimal(len(counted)), Decimal(terms.signatures_needed)
    if len(counted) < terms.signatures_needed:
        return no(
            f"{len(counted)} of {terms.signatures_needed} needed signatures are by people who "
            "may sign now.",
            of=Measure(figure, limit, "count"),
        )
    return yes(
        f"{len(counted)} of {terms.signatures_needed} needed.",
        of=Measure(figure, limit, "count"),
    )


def environment(picture: Picture, leg: Leg) -> Answer:
    """3: the proposal was made for the kind of account the broker has, and signed for this one."""
    if picture.account_environment is None:
        return unknown("what kind of account the broker has")
    if picture.environment != picture.account_environment:
        return no(
            f"It was made for {picture.environment}; the account is {picture.account_environment}."
        )
    terms, account = picture.signed, picture.account
    if not picture.sending or terms is None or account is None:
        return yes(f"Made for {picture.environment}, as the account is.")
    if account.account_id != terms.account_id:
        # Other keys, or a paper account that was reset: a person may put the right ones back.
        return no(
            f"It was signed for account {terms.account_id}; the broker's keys are those of "
            f"{account.account_id}.",
            later=True,
        )
    return yes(f"Made for {picture.environment}, as the account is.")


def trading_state(picture: Picture, leg: Leg) -> Answer:
    """4: ACTIVE; what only reduces passes in REDUCING too; HALTED lets a signed flatten pass."""
    state = picture.trading_state
    if state is None:
        return unknown("the trading state")
    if state is TradingState.HALTED:
        if picture.command == FLATTEN and reduces(picture, leg):
            return yes("Trading is HALTED: a flatten that a person signs passes.")
        # A person lifts it, and it is asked again when they sign and before sending.
        return no("Trading is HALTED.", deferred=True)
    if state is TradingState.REDUCING and not reduces(picture, leg):
        return no("Trading is REDUCING: only orders that reduce a position pass.", deferred=True)
    return yes(f"Trading is {state}.")


def reconciliation(picture: Picture, leg: Leg) -> Answer:
    """5: broker and ledger agreed, recently; for a reducing order, about its symbol."""
    last = picture.reconciled
    if last is None:
        return unknown("whether broker and ledger agree", deferred=True)
    limit = picture.limits.reconciliation_age_seconds
    age = Measure(Decimal(last.age_seconds), Decimal(limit), "seconds")
    if last.age_seconds > limit:
        sentence = f"Broker and ledger were last compared {last.age_seconds} s ago"
        return no(f"{sentence}; at most {limit} s pass.", deferred=True, of=age)
    if last.clean:
        return yes(f"Broker and ledger agreed {last.age_seconds} s ago.", of=age)
    if reduces(picture, leg) and leg.symbol not in last.disputed:
        return yes(f"Broker and ledger differ, but not about {leg.symbol}.", of=age)
    # What they differ about is no ground to size an order on; the rest waits for agreement.
    apart = leg.symbol not in last.disputed
    return no("Broker and ledger differ.", later=True, deferred=apart, of=age)


def data_quality(picture: Picture, leg: Leg) -> Answer:
    """6: the symbol's newest data passed its checks and is fresh."""
    data = picture.data.get(leg.symbol)
    if data is None:
        return no(f"No quality verdict on {leg.symbol}'s data.")
    if data.status not in {"passed", "released"}:
        return no(f"{leg.symbol} is held back: its data is not trusted.")
    limit = picture.limits.daily_data_age_sessions
    if data.sessions_old > limit:
        return no(
            f"{leg.symbol}'s data is {data.sessions_old} sessions old; at most {limit} pass.",
            of=Measure(Decimal(data.sessions_old), Decimal(limit), "count"),
        )
    return yes(f"{data.checks_passed} of {data.checks} data checks passed.")


def model(picture: Picture, leg: Leg) -> Answer:
    """7: the model is champion, or advisory where that is allowed.

    One that is demoted, or a champion that counts as one no longer, may exit everywhere.
    """
    if picture.by_hand:
        return yes("Entered by hand; no model stands behind it.")
    now = picture.model
    if now is None:
        return no("Not known which model stands behind it.")
    if now.status == "champion":
        return yes(f"Model {now.version} is champion.")
    if now.status == "challenger" and now.advisory_allowed and picture.environment != "live":
        return yes(f"Model {now.version} is advisory, which is allowed here. {now.reason}".strip())
    if (now.status == "demoted" or now.reason) and reduces(picture, leg):
        return yes(f"Model {now.version} is {now.status}; this only reduces. {now.reason}".strip())
    sentence = f"Model {now.version} is {now.status}; only a champion may trade here."
    return no(f"{sentence} {now.reason}".strip())


def drifted(picture: Picture, leg: Leg) -> Answer:
    """21: the price is within what the signature covers."""
    if not picture.sending:
        return yes("Nothing is signed yet that could have drifted.")
    terms, now = picture.signed, picture.market_price(leg.symbol)
    if terms is None or now is None:
        return unknown(f"how far {leg.symbol} has moved since it was signed")
    moved = drift(reference=leg.reference_price, price=now)
    bound, both = terms.drift_bound, terms.drift_direction == "both"
    figures = Measure(moved, bound, "fraction")
    if beyond(moved, side=leg.side, bound=bound, direction=terms.drift_direction):
        edge = f"±{percent(bound, decimals=2)}"
        if not both:
            edge = f"{percent(bound, decimals=2)} against you"
        return no(
            f"{leg.symbol} moved {signed_percent(moved)} from the price you signed; "
            f"your signature covered {edge}.",
            of=figures,
        )
    return yes(f"{leg.symbol} moved {signed_percent(moved)} since.", of=figures)


def build(picture: Picture, leg: Leg) -> Answer:
    """22: every process that may send runs the same code and configuration."""
    if not picture.builds:
        return unknown("which build the sending processes run", deferred=True)
    if len(picture.builds) > 1:
        return no(
            f"{len(picture.builds)} different builds of the desk are running; restart it.",
            of=Measure(Decimal(len(picture.builds)), Decimal(1), "count"),
            deferred=True,
        )
    return yes("Every sending process runs the same build.")


def reduce_only(picture: Picture, leg: Leg) -> Answer:
    """23: what was proposed as reducing does reduce, open orders counted, and nothing follows it.

    A stop or target that hangs on an order goes out on its other side once it is filled. After an
    order that closes a position it would open another.
    """
    attached = leg.stop_loss_price is not None or leg.take_profit_price is not None
    if attached and not leg.protects and reduces(picture, leg):
        return no(
            f"It only reduces {leg.symbol} and brings a stop or target, which would open a new "
            "position once it is filled. Enter it without."
        )
    if not leg.reduces:
        return yes("It was not proposed as reducing.")
    covered = _covered(picture, leg)
    if covered is not None:
        return covered
    free = reducible(picture, leg)
    if reduces(picture, leg):
        return yes(f"It reduces {leg.symbol}.", of=Measure(leg.quantity, free, "shares"))
    return no(
        f"It would not only reduce {leg.symbol}: {free} shares can be reduced.",
        of=Measure(leg.quantity, free, "shares"),
        fits=free if free > 0 else None,
    )


def _covered(picture: Picture, leg: Leg) -> Answer | None:
    """Deny a stop for shares that another one covers already; None when there are enough without.

    A stop that a person asks for stands beside the others. One that the desk proposes takes the
    place of the earlier ones, which give way to it: only those of its own proposal count.
    """
    if not leg.protects or picture.positions is None:
        return None
    others = picture.protecting(leg.symbol, leg.side)
    if not picture.by_hand:
        others = [one for one in others if one.proposal_id == picture.proposal_id]
    covered = sum((one.set_aside for one in others), Decimal(0))
    free = max(reducible(picture, leg) - covered, Decimal(0))
    if not others or leg.quantity <= free:
        return None
    names = ", ".join(_named(one) for one in others)
    return no(
        f"{shares(covered)} of the {shares(abs(picture.held(leg.symbol)))} {leg.symbol} held have "
        f"a stop or target already ({names}), and a broker takes no second one for the same "
        "shares. Cancel it under Orders first, or veto the proposal that waits.",
        of=Measure(leg.quantity, free, "shares"),
        fits=free or None,
    )


def _named(order: WorkingOrder) -> str:
    kind = order.order_type.replace("_", " ")
    return kind if order.order_type == "trailing_stop" else f"{kind} at {price(order.price)}"


def reducible(picture: Picture, leg: Leg) -> Decimal:
    """Return how many shares an order on this side can close, open orders counted."""
    held = picture.held(leg.symbol)
    against = held if leg.side == "sell" else -held
    return max(against - picture.working_shares(leg.symbol, leg.side), Decimal(0))


def reduces(picture: Picture, leg: Leg) -> bool:
    """Return whether the order can do nothing but reduce a position; unknown means no."""
    if picture.positions is None or picture.working is None:
        return False
    return leg.quantity <= reducible(picture, leg)
