"""`./desk WORD`: the command line of a desk."""

import importlib
import sys
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from config.errors import SettingsError
from countersign.errors import CommandError


@dataclass(frozen=True)
class Word:
    """A command, and the module in `countersign.commands` that carries it out."""

    summary: str
    module: str
    panel: str


_DAY = "Day to day"
_DATA = "Market data and models"
_CARE = "Care"

_WORDS = {
    "up": Word("Start the desk and keep it running.", "up", _DAY),
    "down": Word("Stop the desk.", "down", _DAY),
    "status": Word("Show every process, the market clock and what waits.", "status", _DAY),
    "logs": Word("Show what a process wrote.", "logs", _DAY),
    "venue": Word("Pause, run, step or jump the replayed market.", "venue", _DAY),
    "demo": Word("Plant one labelled case, to see its card.", "demo", _DAY),
    "halt": Word("Stop trading now: cancels only.", "halt", _DAY),
    "flatten": Word("Propose to close every position; a person signs it.", "flatten", _DAY),
    "reduce": Word("Allow only orders that reduce positions.", "reduce", _DAY),
    "resume": Word("Allow trading again.", "resume", _DAY),
    "correct": Word("Book the broker's position after a trade past the desk.", "correct", _DAY),
    "limit": Word("Change a limit of the account for a while.", "limit", _DAY),
    "seed": Word("Land the sample's past in the lake.", "seed", _DATA),
    "check": Word("Judge a file of market data before it is landed.", "check", _DATA),
    "ingest": Word("Land files of market data, and load what they touch.", "ingest", _DATA),
    "materialize": Word("Compute assets, by name or group.", "materialize", _DATA),
    "generate": Word("Land a synthetic market in the lake.", "generate", _DATA),
    "as-signed": Word("Show a decision from the bytes that were signed.", "as_signed", _DAY),
    "alerts": Word("Send a test through each channel, or list what is open.", "alerts", _DAY),
    "verify": Word("Look for anything altered in the past.", "verify", _CARE),
    "promote": Word("Make a model champion, or go back to the one before.", "promote", _DATA),
    "waive": Word("Let a gate pass for a model, on paper: it takes two people.", "waive", _DATA),
    "drill": Word("Send orders while everything fails, on a temporary desk.", "drill", _CARE),
    "doctor": Word("Check versions, disk, ports and services.", "doctor", _CARE),
    "user": Word("People who may sign in, and what they may do.", "user", _CARE),
    "environment": Word("Print the variables of the running desk.", "environment", _CARE),
    "reset": Word("Delete everything this desk owns.", "reset", _CARE),
}


class LazyCommand(TyperCommand):
    """Stands in the help for a command that is loaded when it is called."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Load the command and let it read its arguments."""
        word = _WORDS[str(self.name)]
        app = importlib.import_module(f"countersign.commands.{word.module}").app
        return typer.main.get_command(app).make_context(*arguments, **options)


class Words(TyperGroup):
    """All commands, none of them loaded yet."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the words in the order of the help."""
        return list(_WORDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a stand-in, or None for an unknown word."""
        word = _WORDS.get(cmd_name)
        if word is None:
            return None
        return LazyCommand(
            name=cmd_name,
            callback=None,
            help=word.summary,
            rich_help_panel=word.panel,
        )


app = typer.Typer(
    cls=Words,
    name="desk",
    help="Countersign: a model proposes, a person signs, and nothing else can send an order.",
    epilog="For developers: ./desk test, ./desk lint, ./desk lock.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def desk() -> None:
    """Countersign: a model proposes, a person signs, and nothing else can send an order."""


def main() -> None:
    """Run the word that was typed; what a person can correct is told without a traceback."""
    try:
        app(prog_name="./desk")
    except (SettingsError, CommandError) as e:
        sys.stderr.write(f"{e}\n")
        sys.exit(1)
    except PermissionError as e:
        sys.stderr.write(
            f"{e.filename or 'A file'} cannot be used by this user ({e.strerror}). Run as the user "
            "it belongs to, or set DESK_HOME to a folder of your own.\n"
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
