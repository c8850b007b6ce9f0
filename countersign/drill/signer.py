"""A signer that dies in the commit: its process is killed with the signature written, unheard."""

import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from countersign.drill.facts import temporary_settings
from ledger import signatures
from ledger.connection import engine


def main(told: Mapping[str, Any]) -> None:
    """Sign as `told` says, and die just before the commit, or just after it if it says so."""
    click = dict(told)
    after = bool(click.pop("dies_after"))
    database = engine(temporary_settings().database.url("desk"))
    with database.begin() as conn:
        signatures.sign(conn, **click, desk_at=datetime.now(UTC))
        if not after:
            os.kill(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
