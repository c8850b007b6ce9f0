"""A real desk for pages: a fresh ledger and warehouse, reached as the dashboard reaches them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

import warehouse
from config import settings as settings_file
from config.settings import Settings
from dashboard import data
from ledger import migrate as ledger_migrate
from warehouse import migrate as warehouse_migrate

SHELL = Path(__file__).parents[3] / "dashboard" / "shell.py"


@pytest.fixture
def desk_settings(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Settings of an empty desk whose stores exist."""
    monkeypatch.setenv("DESK_HOME", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_DATABASE__DSN", postgres_dsn)
    settings = settings_file.load()
    ledger_migrate.upgrade(postgres_dsn)
    warehouse_migrate.upgrade(settings)
    _forget()
    yield settings
    data.engine().dispose()
    _forget()


@pytest.fixture
def desk_warehouse(desk_settings: Settings) -> Iterator[warehouse.Warehouse]:
    """The desk's warehouse, for writing."""
    opened = warehouse.connect(desk_settings)
    yield opened
    opened.close()


def _forget() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()
