"""Opening the stores before the first visitor waits for them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dashboard import data

_LOG = logging.getLogger(__name__)


@asynccontextmanager
async def warm(_app: Any) -> AsyncIterator[None]:
    """Open ledger and warehouse in the background while the server starts."""
    task = asyncio.create_task(asyncio.to_thread(_open))
    yield
    task.cancel()


def _open() -> None:
    try:
        data.desk()
        data.decisions()
    except Exception as e:  # noqa: BLE001 - pages say what is missing; warming is a courtesy
        _LOG.info("Not warmed up: %s", e)
