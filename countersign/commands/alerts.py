"""`./desk alerts …`: whether alerts reach people."""

from datetime import UTC, datetime

import typer

import ledger
from adapters.alerts import ChannelError, Message, from_settings
from config import settings as configuration
from countersign.console import console
from countersign.errors import CommandError
from countersign.running import running
from dashboard import formats
from ledger import alerts as stored_alerts

app = typer.Typer(
    help="Send a test through each channel, or list what is open.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def test() -> None:
    """Send a test message through each configured channel; the exit code is 1 when one fails."""
    told = configuration.load()
    channels = from_settings(told.alerts)
    if not channels:
        raise CommandError(
            "No channel has an address: alerts stay on the desk's pages and in the log of the "
            "worker. Set COUNTERSIGN_ALERTS__WEBHOOK_URL, or COUNTERSIGN_ALERTS__SMTP_HOST, "
            "__MAIL_FROM and __MAIL_TO (docs/alerts.md)."
        )
    said = Message(
        severity="note",
        text="This is a test of Countersign's alerts. Nothing happened.",
        kind="test",
        subject=str(told.home),
        at=f"{datetime.now(UTC):%a %d %b %Y %H:%M:%S} UTC",
        link=f"{told.dashboard.origin}/alerts",
    )
    failed = 0
    for name, channel in channels.items():
        try:
            channel.send(said)
        except ChannelError as e:
            failed += 1
            console.print(f"[red]✗[/red] {name}: {e}", highlight=False)
        else:
            console.print(f"[green]✓[/green] {name}: taken")
    if failed:
        raise typer.Exit(1)


@app.command(name="list")
def show() -> None:
    """List what nobody has acknowledged, newest first."""
    engine = ledger.engine(running().database.url("desk"), pool_size=1)
    try:
        with engine.connect() as conn:
            found = stored_alerts.unacknowledged(conn)
    finally:
        engine.dispose()
    for alert in found:
        since = "" if alert.over_at is None or not alert.condition else " (over since)"
        console.print(
            f"{formats.wall(alert.raised_at)}  {alert.severity}  {alert.message}{since}",
            highlight=False,
        )
    if not found:
        console.print("No open alert.")
