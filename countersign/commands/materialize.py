"""`./desk materialize`: compute assets through the running Dagster."""

import datetime as dt
from typing import Annotated

import typer

import ledger
from config.settings import Settings
from countersign.console import console
from countersign.errors import CommandError
from countersign.graphql import Asset, Dagster, DagsterError
from countersign.processes.plan import LOCATION
from countersign.processes.ports import LOOPBACK
from countersign.running import running
from ledger import market

app = typer.Typer(add_completion=False)


@app.command()
def materialize(
    selection: Annotated[
        str, typer.Argument(help="Assets by name, separated by commas; group:NAME; * for all.")
    ] = "*",
    *,
    first: Annotated[str, typer.Option("--from", help="First session, YYYY-MM-DD.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last session, YYYY-MM-DD.")] = "",
) -> None:
    """Compute assets over a range of sessions (the last one closed when none is named)."""
    settings = running()
    webserver = Dagster(f"http://{LOOPBACK}:{settings.dagster.port}", LOCATION)
    try:
        assets = chosen(webserver.assets(), selection)
        sessions = in_range(assets, first, last, closed=_last_closed(settings))
        title = f"{selection} {sessions[0]} to {sessions[-1]}" if sessions else selection
        backfill = webserver.backfill(assets, sessions, title)
    except DagsterError as e:
        raise CommandError(str(e)) from e
    console.print(
        f"{_counted(len(assets), 'asset')}, {_counted(len(sessions), 'session')}"
        f"{_ends(sessions)}: backfill {backfill} started."
    )
    console.print(f"Follow it at {webserver.url}/runs/b/{backfill}")


def chosen(assets: list[Asset], selection: str) -> list[Asset]:
    """Return the assets that a selection names.

    Raises
    ------
    CommandError
        If a part of it names none.
    """
    found: dict[str, Asset] = {}
    for part in (part.strip() for part in selection.split(",")):
        named = [asset for asset in assets if _is_named(asset, part)]
        if not named:
            known = ", ".join(sorted(asset.key for asset in assets))
            groups = ", ".join(sorted({asset.group for asset in assets}))
            raise CommandError(f"No asset is named {part!r}. Assets: {known}. Groups: {groups}.")
        found |= {asset.key: asset for asset in named}
    return list(found.values())


def in_range(assets: list[Asset], first: str, last: str, *, closed: dt.date) -> list[str]:
    """Return the partitions from `first` to `last`; the newest when neither is given.

    Sessions after `closed`, the last that the market has closed, do not count.

    Raises
    ------
    CommandError
        If the range holds no session.
    """
    for option, told in (("--from", first), ("--to", last)):
        _require_date(option, told)
    known = sorted({key for asset in assets for key in asset.partitions})
    if not known:
        return []
    known = [key for key in known if key <= closed.isoformat()]
    if not known:
        raise CommandError(f"No session of these assets has closed by {closed}.")
    if not first and not last:
        return known[-1:]
    inside = [key for key in known if (first or known[0]) <= key <= (last or known[-1])]
    if not inside:
        raise CommandError(
            f"There is no session from {first or '…'} to {last or '…'}; "
            f"the first is {known[0]}, the last that has closed {known[-1]}."
        )
    return inside


def _require_date(option: str, told: str) -> None:
    try:
        dt.date.fromisoformat(told or "2000-01-01")
    except ValueError as e:
        raise CommandError(f"{option} must be a date YYYY-MM-DD, was {told!r}.") from e


def _last_closed(settings: Settings) -> dt.date:
    """Return the New York date up to which the market has closed, by the broker's clock."""
    engine = ledger.engine(settings.database.url("desk"), pool_size=1)
    try:
        with engine.connect() as conn:
            clock = market.latest_clock(conn)
    finally:
        engine.dispose()
    if clock is None:
        raise CommandError("The broker's clock is not known yet. Try again in some seconds.")
    is_over = clock.next_close is None or clock.next_close.date() > clock.session
    return clock.session if is_over else clock.session - dt.timedelta(days=1)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _ends(sessions: list[str]) -> str:
    if not sessions:
        return ""
    return f" ({sessions[0]})" if len(sessions) == 1 else f" ({sessions[0]} to {sessions[-1]})"


def _is_named(asset: Asset, part: str) -> bool:
    if part == "*":
        return True
    group = part.removeprefix("group:")
    return asset.group == group if group != part else asset.key in {part, part.replace(".", "/")}
