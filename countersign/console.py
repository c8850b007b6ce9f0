"""What the command line prints: progress of a start-up, panels, tables."""

import threading
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from config.settings import Settings

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Progress:
    """Prints the steps of a start-up as they come; on a terminal the running one is live."""

    def __init__(self) -> None:
        self._status = console.status("")
        self._lock = threading.Lock()

    def begin(self, name: str) -> None:
        """A step begins."""
        self._show(f"{name} …")

    def progress(self, name: str, share: float | None, detail: str) -> None:
        """A step got on."""
        figure = "" if share is None else f" {share:.0%}"
        self._show(f"{name}{figure}  {detail}")

    def end(self, name: str, seconds: float, detail: str) -> None:
        """A step is done."""
        with self._lock:
            said = f"  {detail}" if detail else ""
            console.print(f"[green]✓[/green] {name:<22}{seconds:6.1f} s[dim]{said}[/dim]")

    def say(self, sentence: str) -> None:
        """Something the person should know."""
        with self._lock:
            console.print(f"[yellow]•[/yellow] {escape(' '.join(sentence.split()))}")

    def close(self) -> None:
        """Nothing more will come."""
        self._status.stop()

    def _show(self, text: str) -> None:
        with self._lock:
            if console.is_terminal:
                self._status.update(text)
                self._status.start()


def addresses(settings: Settings, home: Path) -> Panel:
    """Return the panel with the addresses of a running desk and what to do next."""
    grid = Table.grid(padding=(0, 2))
    host = settings.dashboard.host
    grid.add_row("Dashboard", f"[bold]http://{host}:{settings.dashboard.port}[/bold]")
    grid.add_row("Dagster", f"http://127.0.0.1:{settings.dagster.port}")
    grid.add_row("MLflow", settings.mlflow.tracking_uri)
    grid.add_row(
        "Paper venue" if settings.broker.kind == "venue" else "Broker", settings.broker.url
    )
    grid.add_row("Files", str(home))
    grid.add_row("", "")
    grid.add_row("Next", "Open the dashboard and look at Approvals: sign or veto.")
    grid.add_row("", "Do nothing and nothing is sent.")
    return Panel(grid, title="The desk is running", border_style="green", expand=False)
