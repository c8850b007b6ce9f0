"""One page about each session: decisions, orders, fills, profit, exposure, alerts, differences."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import polars as pl
import sqlalchemy as sa

from adapters.object_store import ObjectStore
from assets.alerting import alerts_of_close
from assets.day_report import Section, markdown, page
from assets.desk_time import decision_time
from assets.partitions import SESSIONS, as_session
from assets.performance import performance
from assets.risk import risk_figures
from ledger import day as ledger_day
from ledger import market
from ledger.day import Day, Noted
from ledger.market import EquityPoint
from quality.calendar import exchange
from trading.wording import money, percent, price, shares
from warehouse import Warehouse, accounts, risk

_NEW_YORK = ZoneInfo("America/New_York")
_PREFIX = "reports/end_of_day"
_NONE = "None."
_EXPOSURES = {
    "gross_exposure": "Gross exposure",
    "net_exposure": "Net exposure",
    "long_exposure": "Long",
    "short_exposure": "Short",
}


@dg.asset(
    deps=[performance, risk_figures, alerts_of_close],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="portfolio",
    kinds={"s3", "duckdb"},
    owners=["team:desk"],
)
def end_of_day(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[sa.Engine],
    store: dg.ResourceParam[ObjectStore],
) -> dg.MaterializeResult[None]:
    """The end-of-day report: a self-contained page in the lake, its text for the dashboard."""
    session = as_session(context.partition_keys[-1])
    until = decision_time(session)
    with ledger.connect() as conn:
        happened = ledger_day.day(
            conn, after=decision_time(exchange().previous(session)), until=until
        )
        points = _last_two(conn, session)
    with warehouse.reader() as conn:
        sections = [*_people(happened), *_money(conn, points, session), *_trouble(happened)]
    title = f"End of day, {session:%a} {session.day} {session:%b %Y}"
    note = f"As of {_moment(until)} New York. Made from the ledger and the warehouse of this desk."
    html = page(title, sections, note=note).encode()
    key = f"{_PREFIX}/{session}-{hashlib.sha256(html).hexdigest()[:8]}.html"
    store.put(key, html)
    row = {
        "session": session, "text": markdown(title, sections, note=note), "object_key": key,
        "known_at": until,
    }  # fmt: skip
    frame = pl.DataFrame([row], schema=accounts.SCHEMAS["portfolio.day_reports"])
    with warehouse.writer("portfolio.day_reports") as conn:
        accounts.record(conn, "portfolio.day_reports", frame)
    return dg.MaterializeResult(metadata={"object": key, "sections": len(sections)})


def _last_two(conn: sa.Connection, session: date) -> list[EquityPoint]:
    account = market.latest_account(conn)
    if account is None:
        return []
    curve = market.equity_curve(
        conn, environment=account.environment, account_id=account.account_id
    )
    return [point for point in curve if point.session <= session][-2:]


def _people(happened: Day) -> list[Section]:
    signed = [one for one in happened.decisions if one.kind == "sign"]
    vetoed = [one for one in happened.decisions if one.kind == "veto"]
    return [
        Section(
            "Signed", _count(signed, "signature"), ("Time", "Who", "Proposal", "Trade"),
            [(_clock(one.market_at), one.person, one.code, one.trade) for one in signed],
        ),
        Section(
            "Vetoed", _count(vetoed, "veto", "vetoes"),
            ("Time", "Who", "Proposal", "Trade", "Reason"),
            [(_clock(v.market_at), v.person, v.code, v.trade, v.reason) for v in vetoed],
        ),
        Section(
            "Sent", _count(happened.sent, "order"),
            ("Time", "Proposal", "Order", "State", "Filled ", "Price, USD ", "Reason"),
            [
                (_clock(one.market_at), one.code, one.trade, one.state.replace("_", " "),
                 shares(one.filled), _price(one.average_price), one.reason)
                for one in happened.sent
            ],
        ),
        Section(
            "Signed, not sent", _count(happened.unsent, "order"),
            ("Time", "Proposal", "Order", "Why"),
            [(_clock(one.market_at), one.code, one.trade, one.reason) for one in happened.unsent],
        ),
        Section(
            "Filled", _count(happened.filled, "execution"),
            ("Time", "Proposal", "Trade", "Price, USD ", "Fee, USD "),
            [
                (_clock(one.market_at), one.code, one.trade, price(one.price), f"{one.fee:.2f}")
                for one in happened.filled
            ],
        ),
    ]  # fmt: skip


def _money(
    conn: duckdb.DuckDBPyConnection, points: Sequence[EquityPoint], session: date
) -> list[Section]:
    as_of = decision_time(session)
    earned = accounts.between(conn, "portfolio.results", session, session, as_of=as_of)
    cash = accounts.between(conn, "portfolio.cash_days", session, session, as_of=as_of)
    figures = risk.figures(conn, session, session, as_of=as_of, portfolio="total")
    return [
        _profit(points, earned, cash, session),
        Section(
            "Exposure", "As fractions of equity." if figures.height else "No figure of this day.",
            ("Figure", "Value "),
            [
                (label, percent(Decimal(str(value))))
                for name, label in _EXPOSURES.items()
                for value in figures.filter(measure=name)["value"].to_list()[:1]
            ],
        ),
    ]  # fmt: skip


def _profit(
    points: Sequence[EquityPoint], earned: pl.DataFrame, cash: pl.DataFrame, session: date
) -> Section:
    """Where the day's profit came from, and what of the change of equity it does not explain."""
    rows = [
        (row["symbol"] or "account", row["strategy"], _usd(row["profit"]), _usd(row["value"]))
        for row in earned.iter_rows(named=True)
        if row["profit"] or row["value"]
    ]
    total = Decimal(str(round(float(earned["profit"].sum()), 2)))
    said = f"Profit {money(total)}."
    if len(points) == 2 and points[-1].session == session:
        moved = points[-1].equity - points[0].equity
        transfers = Decimal(str(cash["transfers"][0])) if cash.height else Decimal(0)
        rest = moved - transfers - total
        said += (
            f" Equity {money(points[-1].equity)}, {money(moved)} since {points[0].session:%d %b}; "
            f"{money(rest)} of it not explained by lots at official closes."
        )
    if cash.height and cash["told"][0] is not None:
        off = Decimal(str(cash["told"][0])) - Decimal(str(cash["closing"][0]))
        said += f" The broker's cash differs from the cash ledger by {money(off)}."
    return Section(
        "Profit and loss", said, ("Symbol", "Strategy", "Profit, USD ", "Value, USD "), rows
    )


def _trouble(happened: Day) -> list[Section]:
    compared = f"{happened.comparisons} comparisons of ledger and broker."
    return [
        Section(
            "Alerts", _count(happened.alerts, "alert"),
            ("Time", "Severity", "What", "Seen"),
            [(*_noted(one), "yes" if one.acknowledged else "no") for one in happened.alerts],
        ),
        Section(
            "Differences",
            f"{compared} {_count(happened.differences, 'difference')}",
            ("Time", "Severity", "What"),
            [_noted(one) for one in happened.differences],
        ),
    ]  # fmt: skip


def _noted(one: Noted) -> tuple[str, str, str]:
    return _clock(one.market_at), one.severity, one.sentence


def _count(found: Sequence[object], one: str, many: str | None = None) -> str:
    if not found:
        return _NONE
    return f"{len(found)} {one if len(found) == 1 else many or f'{one}s'}."


def _price(value: Decimal | None) -> str:
    return "—" if value is None else price(value)


def _usd(value: float) -> str:
    return money(Decimal(str(round(value, 2)))).removesuffix(" USD")


def _clock(at: datetime) -> str:
    return f"{at.astimezone(_NEW_YORK):%H:%M}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(_NEW_YORK):%d %b %Y %H:%M}"
