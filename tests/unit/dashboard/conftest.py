"""A real desk for pages: a fresh ledger and warehouse, reached as the dashboard reaches them."""

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner

import warehouse
from config import settings as settings_file
from config.settings import Settings
from dashboard import data
from warehouse.place import Place

SHELL = Path(__file__).parents[3] / "dashboard" / "shell.py"


@pytest.fixture(scope="session", autouse=True)
def packages_read_once() -> Iterator[None]:
    """Let all pages share Streamlit's look at every installed package, a third of a second."""
    with pytest.MonkeyPatch.context() as patch:
        look = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", look)
        yield


@pytest.fixture
def desk_settings(
    desk_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Settings of an empty desk whose stores exist."""
    monkeypatch.setenv("DESK_HOME", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_DATABASE__DSN", desk_place.dsn)
    monkeypatch.setenv("COUNTERSIGN_WAREHOUSE__PATH", desk_place.data_path)
    _forget()
    yield settings_file.load()
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
