"""Live mode is never entered by accident: one wrong setting of all, and nothing starts."""

import itertools
from pathlib import Path

import pytest

from config import settings
from config.errors import SettingsError

LIVE = {
    "MODE": "live",
    "BROKER__KIND": "alpaca",
    "BROKER__KEY_ID": "AKLIVE0000",
    "BROKER__SECRET_KEY": "hush",
    "LIVE__CONFIRM_ACCOUNT": "123456789",
}
PAPER = LIVE | {"MODE": "paper", "BROKER__KEY_ID": "PKPAPER000", "LIVE__CONFIRM_ACCOUNT": ""}
# Each value of each setting, the right one for live trading first.
CHOICES = {
    "MODE": ("live", "paper", "embedded"),
    "BROKER__KIND": ("alpaca", "venue"),
    "BROKER__KEY_ID": ("AKLIVE0000", "PKPAPER000", ""),
    "BROKER__SECRET_KEY": ("hush", ""),
    "LIVE__CONFIRM_ACCOUNT": ("123456789", "PA3ABCDEFGH1", ""),
    "BROKER__URL": (
        "", "https://api.alpaca.markets", "https://paper-api.alpaca.markets",
        "http://127.0.0.1:8810",
    ),
}  # fmt: skip
_RIGHT_URLS = ("", "https://api.alpaca.markets")


def loaded(folder: Path, told: dict[str, str]) -> settings.Settings:
    named = {f"COUNTERSIGN_{name}": value for name, value in told.items() if value}
    return settings.load({"DESK_HOME": str(folder), **named})


def leads_to_real_money(told: settings.Settings) -> bool:
    """Whether the trading API or its stream is the live account's."""
    return any("//api.alpaca.markets" in url for url in (told.broker.url, told.broker.stream_url))


COMBINATIONS = [
    dict(zip(CHOICES, chosen, strict=True)) for chosen in itertools.product(*CHOICES.values())
]


def test_of_all_combinations_only_those_that_agree_trade_live(tmp_path: Path) -> None:
    went_live = []
    for told in COMBINATIONS:
        try:
            made = loaded(tmp_path, told)
        except SettingsError:
            continue
        assert leads_to_real_money(made) == (made.mode == "live"), told
        if made.mode == "live":
            went_live.append(told)

    assert went_live == [LIVE | {"BROKER__URL": url} for url in _RIGHT_URLS]


WRONG = [
    {"LIVE__CONFIRM_ACCOUNT": ""},
    {"LIVE__CONFIRM_ACCOUNT": "PA3ABCDEFGH1"},
    {"BROKER__KEY_ID": "PKPAPER000"},
    {"BROKER__KEY_ID": ""},
    {"BROKER__SECRET_KEY": ""},
    {"BROKER__KIND": "venue"},
    {"BROKER__URL": "https://paper-api.alpaca.markets"},
    {"BROKER__URL": "http://127.0.0.1:8810"},
    {"BROKER__STREAM_URL": "wss://paper-api.alpaca.markets/stream"},
    {"MODE": "paper"},
    {"MODE": "embedded"},
    {"MODE": "Live"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_each_setting_alone_that_is_wrong_is_refused_and_named(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, LIVE | wrong)

    assert "hush" not in str(refused.value)
    said = str(refused.value).lower()
    assert any(word in said for word in ("mode", "key", "account", "kind"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"BROKER__KEY_ID": "AKLIVE0000"},
        {"BROKER__URL": "https://api.alpaca.markets"},
        {"BROKER__URL": "https://API.alpaca.markets./"},
        {"BROKER__STREAM_URL": "wss://api.alpaca.markets/stream"},
        {"LIVE__CONFIRM_ACCOUNT": "123456789"},
    ],
    ids=str,
)
def test_a_paper_desk_never_leads_to_the_live_account(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    assert not leads_to_real_money(loaded(tmp_path, PAPER))

    with pytest.raises(SettingsError):
        loaded(tmp_path, PAPER | wrong)


def test_an_embedded_desk_never_leads_to_the_live_account(tmp_path: Path) -> None:
    embedded = {"BROKER__URL": "https://api.alpaca.markets"}

    with pytest.raises(SettingsError, match=r"broker\.url"):
        loaded(tmp_path, embedded)
