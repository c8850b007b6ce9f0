"""`./desk doctor`: look at everything, and say what to do."""

from collections.abc import Iterator

import typer
from rich.markup import escape

from config import gates, limits, universe
from config import settings as configuration
from config.errors import SettingsError
from countersign.console import console
from countersign.health.findings import Finding, ok, wrong
from countersign.health.machine import machine
from countersign.health.services import services
from countersign.processes.addresses import require_server
from countersign.processes.homes import Home
from countersign.processes.replayed import require_session

app = typer.Typer(add_completion=False)

_SIGNS = {"ok": "[green]✓[/green]", "note": "[yellow]•[/yellow]", "wrong": "[red]✗[/red]"}


@app.command()
def doctor() -> None:
    """Check versions, packages, disk, ports, rights and each service; exit code 1 if one fails."""
    failed = 0
    for finding in _findings():
        failed += finding.state == "wrong"
        console.print(f"{_SIGNS[finding.state]} {finding.subject:<22} {escape(finding.found)}")
        if finding.advice:
            console.print(f"  {'':<22} [dim]{escape(finding.advice)}[/dim]")
    if failed:
        console.print(f"[red]{failed} to correct.[/red]")
        raise typer.Exit(1)


def _findings() -> Iterator[Finding]:
    try:
        settings, told = configuration.load(), configuration.load(running=False)
        require_server(told)
        require_session(told)
        limits.load()
        universe.load()
        gates.load()
    except SettingsError as e:
        yield wrong("Settings", str(e))
        return
    yield ok("Settings", f"mode {settings.mode}, build {settings.build}")
    home = Home(settings.home)
    yield from machine(told, home)
    yield from services(settings, home)
