"""The desk's transactional tables: PostgreSQL schema ``desk``.

Units stand beside the columns. Money and quantities are exact numerics; instants are
UTC. ``*_market_at`` and ``market_at`` are market time (the broker's clock), every other
``*_at`` is desk time (wall clock) unless it says otherwise. Changing this file needs a
migration beside it; a test compares the two.
"""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ledger.columns import one_of, only_row, protection

SCHEMA = "desk"

metadata = sa.MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    },
)

PROPOSAL_STATES = (
    "open",
    "signed",
    "vetoed",
    "expired",
    "lapsed",
    "superseded",
    "withdrawn",
    "denied",
)
ORDER_STATES = (
    "intended",
    "sent",
    "accepted",
    "partially_filled",
    "filled",
    "canceled",
    "rejected",
    "expired",
    "unresolved",
)
SIDES = ("buy", "sell")
TRADING_STATES = ("ACTIVE", "REDUCING", "HALTED")
REQUEST_STATES = ("waiting", "running", "done", "refused")


def _id() -> sa.Uuid[str]:
    return sa.Uuid(as_uuid=False)


def _at() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _number() -> sa.Numeric[Decimal]:
    return sa.Numeric()


people = sa.Table(
    "people",
    metadata,
    sa.Column("person_id", _id(), primary_key=True),
    sa.Column("login", sa.Text, nullable=False, unique=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),  # viewer analyst steward signatory admin
    sa.Column("password_hash", sa.Text),  # argon2id; null for os and oidc people
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("created_at", _at(), nullable=False),
    sa.Column("introduced_at", _at()),  # null: the first-run panel has not been dismissed
    one_of("origin", ("os", "local", "oidc"), name="origin"),
)

sign_ins = sa.Table(
    "sign_ins",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),  # SHA-256 of the cookie's token, hex
    sa.Column("person_id", _id(), sa.ForeignKey(people.c.person_id), nullable=False),
    sa.Column("created_at", _at(), nullable=False),
    sa.Column("expires_at", _at(), nullable=False),
    sa.Column("seen_at", _at(), nullable=False),
)

proposals = sa.Table(
    "proposals",
    metadata,
    sa.Column("proposal_id", _id(), primary_key=True),
    sa.Column("code", sa.Text, nullable=False, unique=True),  # '7F3A-9C21'
    sa.Column("session", sa.Date, nullable=False),  # decided after this session's close
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("model_version", sa.Text),  # null when entered by hand
    sa.Column("advisory", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),  # canonical bytes, as shown
    sa.Column("content_hash", sa.Text, nullable=False),  # SHA-256 of content, hex
    sa.Column("hash_version", sa.Integer, nullable=False),
    sa.Column("valid_from", _at(), nullable=False),  # market time
    sa.Column("valid_until", _at(), nullable=False),  # market time
    sa.Column("drift_bound", _number(), nullable=False),  # fraction of the reference price
    sa.Column("drift_direction", sa.Text, nullable=False),
    sa.Column("signatures_needed", sa.Integer, nullable=False),
    sa.Column("four_eyes_notional", _number(), nullable=False),  # USD; above it two must sign
    sa.Column("signers", ARRAY(sa.Text), nullable=False, server_default="{}"),  # person ids
    sa.Column("notional", _number(), nullable=False),  # USD, all legs at their limits
    sa.Column("entered_by", _id(), sa.ForeignKey(people.c.person_id)),  # null: by the model
    sa.Column("supersedes", _id()),
    sa.Column("superseded_by", _id()),
    sa.Column("snapshot_id", sa.BigInteger),  # warehouse snapshot it was computed from
    sa.Column("created_at", _at(), nullable=False),
    sa.Column("created_market_at", _at(), nullable=False),
    sa.Column("decided_at", _at()),
    sa.Column("sending_at", _at()),  # first intent written: no withdrawing from here on
    sa.Column("note", sa.Text),  # why it ended, as a sentence
    sa.Column("command", sa.Text),  # flatten: ordered by a person; null: a trade of a strategy
    one_of("state", PROPOSAL_STATES, name="state"),
    one_of("drift_direction", ("adverse", "both"), name="drift_direction"),
    one_of("environment", ("replay", "paper", "live"), name="environment"),
    sa.Index(None, "state"),
    sa.Index(None, "session"),
)

legs = sa.Table(
    "legs",
    metadata,
    sa.Column("leg_id", _id(), primary_key=True),
    sa.Column("proposal_id", _id(), sa.ForeignKey(proposals.c.proposal_id), nullable=False),
    sa.Column("leg_no", sa.Integer, nullable=False),  # from 1
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("quantity", _number(), nullable=False),  # shares, > 0
    sa.Column("order_type", sa.Text, nullable=False),
    sa.Column("limit_price", _number()),  # USD per share
    sa.Column("stop_price", _number()),
    sa.Column("time_in_force", sa.Text, nullable=False),
    sa.Column("take_profit_price", _number()),
    sa.Column("stop_loss_price", _number()),
    sa.Column("reference_price", _number(), nullable=False),
    sa.Column("reduces", sa.Boolean, nullable=False),
    sa.Column("tactic", JSONB(none_as_null=True)),  # null: one order for all of it
    *protection(),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", _at()),
    sa.Column("waiting_sentence", sa.Text),  # why it was not sent when last tried
    sa.Column("closed_at", _at()),  # nothing more will be sent for this leg
    sa.Column("closed_code", sa.Text),
    sa.Column("closed_sentence", sa.Text),
    sa.UniqueConstraint("proposal_id", "leg_no"),
    sa.CheckConstraint("quantity > 0", name="quantity"),
    one_of("side", SIDES, name="side"),
)

signatures = sa.Table(
    "signatures",
    metadata,
    sa.Column("signature_id", _id(), primary_key=True),
    sa.Column("proposal_id", _id(), sa.ForeignKey(proposals.c.proposal_id), nullable=False),
    sa.Column("person_id", _id(), sa.ForeignKey(people.c.person_id), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),  # what was on the screen
    sa.Column("drift_bound", _number(), nullable=False),
    sa.Column("price_at_signing", _number()),
    sa.Column("reason_code", sa.Text),
    sa.Column("reason_text", sa.Text),
    sa.Column("signed_at", _at(), nullable=False),
    sa.Column("market_at", _at(), nullable=False),
    sa.Column("withdrawn_at", _at()),
    sa.Column("used_at", _at()),
    one_of("kind", ("sign", "veto"), name="kind"),
    sa.Index(
        "uq_signatures_one_each",
        "proposal_id",
        "person_id",
        unique=True,
        postgresql_where=sa.text("kind = 'sign' AND withdrawn_at IS NULL"),
    ),
)

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("client_order_id", sa.Text, primary_key=True),
    sa.Column("leg_id", _id(), sa.ForeignKey(legs.c.leg_id), nullable=False),
    sa.Column("proposal_id", _id(), sa.ForeignKey(proposals.c.proposal_id), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),  # from 1
    sa.Column("broker_order_id", sa.Text, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("quantity", _number(), nullable=False),
    sa.Column("order_type", sa.Text, nullable=False),
    sa.Column("limit_price", _number()),
    sa.Column("stop_price", _number()),
    sa.Column("time_in_force", sa.Text, nullable=False),
    sa.Column("take_profit_price", _number()),
    sa.Column("stop_loss_price", _number()),
    sa.Column("filled_quantity", _number(), nullable=False, server_default="0"),
    sa.Column("average_price", _number()),
    sa.Column("intended_at", _at(), nullable=False),
    sa.Column("intended_market_at", _at(), nullable=False),
    sa.Column("sent_at", _at()),
    sa.Column("acknowledged_at", _at()),
    sa.Column("final_at", _at()),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", _at()),
    sa.Column("reason", sa.Text),
    sa.Column("build", sa.Text, nullable=False),
    # Set on the stop or target of one of our orders; its client order id is the broker's.
    sa.Column("parent_client_order_id", sa.Text, sa.ForeignKey("desk.orders.client_order_id")),
    *protection(),
    sa.Index(
        "uq_orders_one_attempt",
        "leg_id",
        "attempt",
        unique=True,
        postgresql_where=sa.text("parent_client_order_id IS NULL"),
    ),
    sa.CheckConstraint("quantity > 0", name="quantity"),
    sa.CheckConstraint(
        "filled_quantity >= 0 AND filled_quantity <= quantity", name="filled_quantity"
    ),
    one_of("state", ORDER_STATES, name="state"),
    one_of("side", SIDES, name="side"),
    sa.Index(None, "state"),
    sa.Index(None, "symbol"),
)

order_events = sa.Table(
    "order_events",
    metadata,
    sa.Column("event_id", _id(), primary_key=True),
    sa.Column("client_order_id", sa.Text, sa.ForeignKey(orders.c.client_order_id), nullable=False),
    sa.Column("from_state", sa.Text),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("market_at", _at()),
    sa.Column("recorded_at", _at(), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("detail", JSONB, nullable=False, server_default="{}"),
    one_of("source", ("dispatch", "stream", "reconcile", "person"), name="source"),
    sa.Index(None, "client_order_id"),
)

fills = sa.Table(
    "fills",
    metadata,
    sa.Column("execution_id", sa.Text, primary_key=True),
    sa.Column("client_order_id", sa.Text, sa.ForeignKey(orders.c.client_order_id), nullable=False),
    sa.Column("broker_order_id", sa.Text, nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("quantity", _number(), nullable=False),
    sa.Column("price", _number(), nullable=False),  # USD per share
    sa.Column("fee", _number(), nullable=False, server_default="0"),  # USD
    sa.Column("market_at", _at(), nullable=False),
    sa.Column("recorded_at", _at(), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("busted_at", _at()),  # the broker took it back
    one_of("side", SIDES, name="side"),
    sa.Index(None, "client_order_id"),
)

bookings = sa.Table(  # without a trade of the desk's
    "bookings",
    metadata,
    sa.Column("booking_id", sa.Text, primary_key=True),
    # split, dividend, interest, fee, transfer; correction: by a person, of what the desk missed
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("symbol", sa.Text),
    sa.Column("day", sa.Date, nullable=False),  # exchange-local; a split's is its ex-date
    sa.Column("quantity", _number(), nullable=False),  # shares gained, negative: lost
    sa.Column("cash", _number(), nullable=False),  # USD, negative: paid
    sa.Column("recorded_at", _at(), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    # Of a correction alone:
    sa.Column("price", _number()),  # USD per share, of shares that came
    sa.Column("market_at", _at()),  # when the broker held what was booked
    sa.Column("person_id", _id(), sa.ForeignKey(people.c.person_id)),
    sa.Column("reason", sa.Text),
)

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("request_id", _id(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", JSONB, nullable=False, server_default="{}"),
    sa.Column("person_id", _id(), sa.ForeignKey(people.c.person_id)),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("outcome", JSONB),
    sa.Column("created_at", _at(), nullable=False),
    sa.Column("taken_by", sa.Text),
    sa.Column("taken_at", _at()),
    sa.Column("finished_at", _at()),
    one_of("state", REQUEST_STATES, name="state"),
    sa.Index(None, "state", "created_at"),
)

quotes = sa.Table(
    "quotes",
    metadata,
    sa.Column("symbol", sa.Text, primary_key=True),
    sa.Column("bid", _number()),  # USD per share
    sa.Column("ask", _number()),
    sa.Column("last", _number()),
    sa.Column("quoted_at", _at(), nullable=False),  # market time, of bid and ask
    sa.Column("received_at", _at(), nullable=False),  # desk time
    sa.Column("traded_at", _at()),  # market time, of last
)

market_clock = sa.Table(
    "market_clock",
    metadata,
    only_row(),
    sa.Column("now", _at(), nullable=False),  # market time
    sa.Column("session", sa.Date, nullable=False),  # New York date of `now`
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("next_open", _at()),
    sa.Column("next_close", _at()),
    sa.Column("early_close", sa.Boolean, nullable=False),
    sa.Column("replay", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("hold_reason", sa.Text),
    sa.Column("pace", _number()),  # market minutes per wall second
    sa.Column("first_session", sa.Date),
    sa.Column("last_session", sa.Date),
    sa.Column("received_at", _at(), nullable=False),
    one_of("state", ("running", "paused", "held", "ended", "live"), name="state"),
    sa.CheckConstraint("only_row", name="only_row"),
)

accounts = sa.Table(
    "accounts",
    metadata,
    only_row(),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("equity", _number(), nullable=False),  # account currency
    sa.Column("last_equity", _number()),  # at the previous close
    sa.Column("cash", _number(), nullable=False),
    sa.Column("settled_cash", _number()),
    sa.Column("buying_power", _number(), nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("as_of", _at(), nullable=False),  # market time
    sa.Column("received_at", _at(), nullable=False),
    sa.Column("day_trades", sa.Integer),  # of the last five sessions; null: not told
    sa.CheckConstraint("only_row", name="only_row"),
)

positions = sa.Table(
    "positions",
    metadata,
    sa.Column("symbol", sa.Text, primary_key=True),
    sa.Column("quantity", _number(), nullable=False),  # shares, negative when short
    sa.Column("average_price", _number(), nullable=False),
    sa.Column("market_price", _number()),
    sa.Column("market_value", _number()),
    sa.Column("unrealised", _number()),
    sa.Column("as_of", _at(), nullable=False),  # market time
    sa.Column("received_at", _at(), nullable=False),
)

equity_points = sa.Table(
    "equity_points",
    metadata,
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("session", sa.Date, primary_key=True),
    sa.Column("equity", _number(), nullable=False),
    sa.Column("cash", _number(), nullable=False),
    sa.Column("gross", _number(), nullable=False),  # sum of absolute market values
    sa.Column("net", _number(), nullable=False),
    sa.Column("high", _number()),  # highest equity seen in the session
    sa.Column("paid_in", _number(), nullable=False, server_default="0"),  # net, ever, USD
    sa.Column("account_id", sa.Text),  # whose equity it was; null: of the one there was then
)

transfers = sa.Table(  # what people paid in or took out of the account, as far as it counts, USD
    "transfers",
    metadata,
    only_row(),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("rest", _number(), nullable=False),  # cash less what trades, dividends, fees brought
    sa.Column("booked", _number(), nullable=False),  # all transfers ever booked, net
    sa.Column("last_equity", _number()),  # at the previous close
    sa.Column("market_at", _at(), nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("corrections", sa.Integer, nullable=False),  # of positions, ever booked by people
    sa.Column("counted", _number(), nullable=False),  # so far; the recorded highs move with it
    sa.Column("adrift", _number(), nullable=False),  # cash that moved and nobody explains
    sa.Column("due", _number(), nullable=False),  # booked, and its cash was not seen to move
    sa.Column("presumed", _number(), nullable=False),  # counted, and not booked yet
    sa.Column("day", _number(), nullable=False),  # counted since the close of last_equity
    sa.Column("after_close", _number(), nullable=False),  # counted since the newest close
    sa.Column("rises", sa.Boolean, nullable=False),  # whether its equity may be a high
    sa.CheckConstraint("only_row", name="only_row"),
)

trading_state = sa.Table(
    "trading_state",
    metadata,
    only_row(),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("set_by", sa.Text, nullable=False),  # person id, or the process that tripped it
    sa.Column("set_at", _at(), nullable=False),
    one_of("state", TRADING_STATES, name="state"),
    sa.CheckConstraint("only_row", name="only_row"),
)

trading_state_events = sa.Table(
    "trading_state_events",
    metadata,
    sa.Column("event_id", _id(), primary_key=True),
    sa.Column("from_state", sa.Text, nullable=False),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("set_by", sa.Text, nullable=False),
    sa.Column("set_at", _at(), nullable=False),
)

limit_overrides = sa.Table(
    "limit_overrides",
    metadata,
    sa.Column("override_id", _id(), primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("value", _number(), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("person_id", _id(), sa.ForeignKey(people.c.person_id), nullable=False),
    sa.Column("created_at", _at(), nullable=False),
    sa.Column("expires_at", _at(), nullable=False),
    sa.Column("revoked_at", _at()),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("alert_id", _id(), primary_key=True),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),  # what it is about: a symbol, order, process
    sa.Column("raised_at", _at(), nullable=False),
    sa.Column("market_at", _at()),
    sa.Column("acknowledged_by", _id(), sa.ForeignKey(people.c.person_id)),
    sa.Column("acknowledged_at", _at()),
    sa.Column("condition", sa.Text, nullable=False, server_default=""),  # what exactly lasts
    sa.Column("noticed_by", sa.Text, nullable=False, server_default=""),
    sa.Column("over_at", _at()),  # desk time; null while the condition lasts
    one_of("severity", ("note", "warning", "critical"), name="severity"),
    # One open alert per kind and subject: a condition that lasts is one alert.
    sa.Index(
        "uq_alerts_open",
        "kind",
        "subject",
        unique=True,
        postgresql_where=sa.text("acknowledged_at IS NULL"),
    ),
)

alert_deliveries = sa.Table(  # an alert on its way to people, by channel
    "alert_deliveries",
    metadata,
    sa.Column("alert_id", _id(), sa.ForeignKey(alerts.c.alert_id), primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),  # log, webhook, email
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("first_at", _at(), nullable=False),
    sa.Column("changed_at", _at(), nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),  # why it failed
    one_of("state", ("sending", "sent", "failed"), name="state"),
)

alert_rules = sa.Table(  # made by people; the built-in ones stand in alert_rules.toml
    "alert_rules",
    metadata,
    sa.Column("rule_id", _id(), primary_key=True),
    sa.Column("measure", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, server_default=""),  # '': all that have one
    sa.Column("comparison", sa.Text, nullable=False),
    sa.Column("threshold", _number(), nullable=False),  # in the measure's unit
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("made_by", _id(), sa.ForeignKey(people.c.person_id), nullable=False),
    sa.Column("made_at", _at(), nullable=False),
    sa.Column("retired_by", _id(), sa.ForeignKey(people.c.person_id)),
    sa.Column("retired_at", _at()),
    one_of("comparison", ("above", "below"), name="comparison"),
    one_of("severity", ("note", "warning", "critical"), name="severity"),
)

reconciliations = sa.Table(
    "reconciliations",
    metadata,
    sa.Column("id", _id(), primary_key=True),
    sa.Column("started_at", _at(), nullable=False),
    sa.Column("finished_at", _at(), nullable=False),
    sa.Column("market_at", _at()),
    sa.Column("clean", sa.Boolean, nullable=False),
    sa.Column("differences", JSONB, nullable=False),
    # As they were written: a clock that ran ahead, and was put right, tells no order.
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Index(None, "finished_at"),
    sa.Index("uq_reconciliations_seq", "seq", unique=True),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("process", sa.Text, primary_key=True),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("build", sa.Text, nullable=False),
    sa.Column("beat_at", _at(), nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tags", JSONB, nullable=False, server_default="{}"),
    sa.Column("created_at", _at(), nullable=False),
    sa.Column("updated_at", _at(), nullable=False),
)

steps = sa.Table(
    "steps",
    metadata,
    sa.Column("boot_id", sa.Text, primary_key=True),
    sa.Column("step_no", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("progress", sa.Double, nullable=False, server_default="0"),  # 0..1
    sa.Column("started_at", _at()),
    sa.Column("finished_at", _at()),
    sa.Column("created_at", _at(), nullable=False),
    one_of("state", ("waiting", "running", "done", "failed"), name="state"),
)

daily_runs = sa.Table(
    "daily_runs",
    metadata,
    sa.Column("session", sa.Date, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("proposals", sa.Integer, nullable=False, server_default="0"),
    sa.Column("started_at", _at(), nullable=False),
    sa.Column("finished_at", _at()),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    one_of("state", ("running", "done", "failed"), name="state"),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),  # from 1, no gaps
    sa.Column("at", _at(), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),  # canonical JSON (RFC 8785)
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Index("audit_log_subject_seq", "subject", "seq"),
)

# The chain's end: appending locks this row, and rows cut off the end are missed by it.
audit_head = sa.Table(
    "audit_head",
    metadata,
    only_row(),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.CheckConstraint("only_row", name="only_row"),
)
