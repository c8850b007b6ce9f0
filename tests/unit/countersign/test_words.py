"""The command line: its words, selections and what a person is told."""

import datetime as dt
import subprocess
import sys

import pytest

from config.build import REPOSITORY
from countersign import bootstrap
from countersign.commands.materialize import chosen, in_range
from countersign.errors import CommandError
from countersign.graphql import Asset

ASSETS = [
    Asset("daily_bars", "market", ("2012-06-28", "2012-06-29", "2012-07-02")),
    Asset("minute_bars", "market", ("2012-07-02",)),
    Asset("trained_model", "models", ()),
]


def test_the_help_loads_no_large_package() -> None:
    code = (
        "import sys; sys.argv = ['desk', '--help']\n"
        "from countersign.__main__ import app\n"
        "try: app(prog_name='desk')\n"
        "except SystemExit: pass\n"
        "print(sorted({'dagster', 'mlflow', 'great_expectations', 'duckdb', 'pandas',\n"
        "              'sqlalchemy', 'polars', 'numpy', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )

    assert done.stdout.strip().endswith("[]")
    assert "materialize" in done.stdout


@pytest.mark.parametrize("word", ["status", "down", "logs"])
def test_daily_words_load_no_large_package(word: str) -> None:
    code = (
        f"import sys, countersign.commands.{word}\n"
        "print(sorted({'dagster', 'mlflow', 'great_expectations', 'duckdb', 'pandas',\n"
        "              'streamlit', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("selection", "keys"),
    [
        ("*", {"daily_bars", "minute_bars", "trained_model"}),
        ("daily_bars", {"daily_bars"}),
        ("group:market", {"daily_bars", "minute_bars"}),
        ("trained_model, minute_bars", {"trained_model", "minute_bars"}),
    ],
)
def test_a_selection_names_assets_or_groups(selection: str, keys: set[str]) -> None:
    assert {asset.key for asset in chosen(ASSETS, selection)} == keys


def test_an_unknown_asset_is_told_with_the_known_ones() -> None:
    with pytest.raises(CommandError, match=r"'daily_bar'.*daily_bars.*Groups: market, models"):
        chosen(ASSETS, "daily_bar")


def test_a_range_takes_the_sessions_within_it() -> None:
    closed = dt.date(2012, 7, 2)

    assert in_range(ASSETS, "2012-06-29", "2012-07-01", closed=closed) == ["2012-06-29"]
    assert in_range(ASSETS, "2012-06-29", "", closed=closed) == ["2012-06-29", "2012-07-02"]
    assert in_range(ASSETS, "", "", closed=closed) == ["2012-07-02"]
    assert in_range(ASSETS[2:], "", "", closed=closed) == []
    with pytest.raises(CommandError, match="the first is 2012-06-28"):
        in_range(ASSETS, "2020-01-01", "", closed=closed)
    with pytest.raises(CommandError, match="--to must be a date YYYY-MM-DD, was 'friday'"):
        in_range(ASSETS, "", "friday", closed=closed)


def test_a_session_that_has_not_closed_is_not_the_newest() -> None:
    saturday = dt.date(2012, 6, 30)  # the market's 2 July is still to come

    assert in_range(ASSETS, "", "", closed=saturday) == ["2012-06-29"]
    with pytest.raises(CommandError, match="the last that has closed 2012-06-29"):
        in_range(ASSETS, "2012-07-02", "2012-07-02", closed=saturday)
    with pytest.raises(CommandError, match="No session of these assets has closed"):
        in_range(ASSETS[1:], "", "", closed=saturday)


def test_the_configuration_of_pip_is_handed_to_uv() -> None:
    listing = (
        "global.cert='/etc/ssl/ours.pem'\n"
        "global.index-url='https://index.example/simple'\n"
        "install.find-links='/a\\n/b'\n"
        ":env:.extra-index-url='https://one.example https://two.example'\n"
        ":env:.disable-pip-version-check='1'\n"
    )

    assert bootstrap.exports(listing, {"SSL_CERT_FILE": "mine"}) == [
        "export UV_DEFAULT_INDEX=https://index.example/simple",
        "export UV_FIND_LINKS=/a,/b",
        "export UV_INDEX='https://one.example https://two.example'",
    ]
