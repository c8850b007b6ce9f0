"""`./desk status`: where the desk stands."""

import json
import sys
import time
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from config import settings as configuration
from countersign.console import console
from countersign.overview import of
from countersign.processes.homes import Home
from dashboard import formats

app = typer.Typer(add_completion=False)

_COLOURS = {"running": "green", "starting": "yellow", "backoff": "yellow", "unresponsive": "yellow"}


@app.command()
def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every process, the market clock, the trading state and what waits.

    The exit code is 0 when the desk runs and 3 when it does not.
    """
    overview = of(Home(configuration.home()))
    if as_json:
        sys.stdout.write(json.dumps(overview.facts, default=str, indent=2) + "\n")
    else:
        show(overview.facts)
    if not overview.is_running:
        raise typer.Exit(3)


def show(facts: dict[str, Any]) -> None:
    """Print where the desk stands; instants are told as the exchange has them."""
    supervisor = facts["supervisor"]
    if supervisor:
        console.print(f"Supervisor {supervisor['pid']}, {supervisor['phase']}  ({facts['home']})")
    else:
        console.print(f"No supervisor runs for {facts['home']}. ./desk up starts the desk.")
    if facts["processes"]:
        console.print(_processes(facts["processes"]))
    for line in (
        *_market(facts["market"]),
        *_feed(facts["feed"]),
        *_trading(facts["trading"]),
        *_counts(facts["counts"]),
    ):
        console.print(line)


def _processes(processes: list[dict[str, Any]]) -> Table:
    table = Table("process", "state", "pid", "for", "restarts", "address", box=None)
    for process in processes:
        colour = _COLOURS.get(process["state"], "red")
        table.add_row(
            process["name"],
            f"[{colour}]{process['state']}[/{colour}]",
            str(process["pid"] or "—"),
            _duration(time.time() - (process["since"] or time.time())),
            str(process["restarts"]),
            process["address"] or process["detail"] or "",
        )
    return table


def _market(market: dict[str, Any] | None) -> list[str]:
    if market is None:
        return []
    kind = "replay" if market["replay"] else "live"
    held = f" ({market['hold_reason']})" if market["hold_reason"] else ""
    hours = "open" if market["is_open"] else "closed"
    return [f"Market: {_moment(market['now'])}, {hours}, {kind} {market['state']}{held}"]


def _feed(feed: dict[str, Any] | None) -> list[str]:
    if feed is None:
        return []
    told, ago = feed["tags"], _duration(feed["seconds_ago"])
    newest, stale_since = (_instant(told[name]) for name in ("newest_at", "stale_since"))
    said = [
        f"newest minute to {formats.new_york(newest)}" if newest else "no minute yet",
        f"{told['gaps']} missing",
        f"{told['healed']} healed",
        f"{told['waiting']} not stored yet",
        f"{told['reconnects']} reconnects",
    ]
    stale = f"[red]stale since {formats.new_york(stale_since)}[/red], " if stale_since else ""
    return [f"Live feed: {stale}{', '.join(said)} (told {ago} ago)"]


def _trading(trading: dict[str, Any] | None) -> list[str]:
    if trading is None:
        return []
    return [f"Trading: {trading['state']} since {_moment(trading['set_at'])} ({trading['reason']})"]


def _moment(instant: datetime) -> str:
    """A day and time of the exchange: ``Mon 2 Jul 2012, 09:31 New York``."""
    return f"{formats.moment(instant)} New York"


def _instant(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)


def _counts(counts: dict[str, dict[str, int]] | None) -> list[str]:
    said = {
        name: ", ".join(f"{count} {state}" for state, count in tally.items() if count)
        for name, tally in (counts or {}).items()
    }
    return [f"{name.capitalize()}: {text or 'none'}" for name, text in said.items()]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
