"""Settings: where each value may come from, and what a wrong one is told."""

import json
from pathlib import Path

import pytest

from config import settings
from config.settings import SettingsError


def environ(home: Path, **variables: str) -> dict[str, str]:
    return {"DESK_HOME": str(home)} | variables


def test_without_any_word_the_desk_is_embedded_and_keeps_to_its_home(tmp_path: Path) -> None:
    told = settings.load(environ(tmp_path))

    assert told.mode == "embedded"
    assert told.broker.kind == "venue"
    assert told.lake.path == tmp_path / "lake"
    assert told.warehouse.path == tmp_path / "warehouse"
    assert told.dashboard.host == "127.0.0.1"


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "desk.toml").write_text("[dashboard]\nport = 9001\n[dagster]\nport = 9002\n")
    (tmp_path / "runtime.json").write_text(json.dumps({"dagster": {"port": 9003}}))

    told = settings.load(environ(tmp_path, COUNTERSIGN_MLFLOW__PORT="9004"))

    assert (told.dashboard.port, told.dagster.port, told.mlflow.port) == (9001, 9003, 9004)


def test_the_lake_moves_to_minio_by_environment_alone(tmp_path: Path) -> None:
    told = settings.load(
        environ(
            tmp_path,
            COUNTERSIGN_LAKE__KIND="s3",
            COUNTERSIGN_LAKE__ENDPOINT="minio:9000",
            COUNTERSIGN_LAKE__ACCESS_KEY="desk",
            COUNTERSIGN_LAKE__SECRET_KEY="hush-hush",
        )
    )

    assert told.lake.endpoint == "minio:9000"
    assert "hush-hush" not in repr(told)


def test_each_database_has_its_own_address() -> None:
    database = settings.DatabaseSettings(dsn="postgresql://desk:pw@127.0.0.1:5544/desk")

    assert database.url("desk") == "postgresql://desk:pw@127.0.0.1:5544/desk"
    assert database.url("mlflow") == "postgresql://desk:pw@127.0.0.1:5544/mlflow"


def test_without_an_address_the_embedded_database_says_who_starts_it() -> None:
    with pytest.raises(SettingsError, match=r"\./desk up"):
        settings.DatabaseSettings().url("desk")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"COUNTERSIGN_LAKE__KIND": "ftp"}, r"`lake.kind` was 'ftp' .*'folder' or 's3'"),
        ({"COUNTERSIGN_LAKE__COLOUR": "red"}, r"Unknown key `lake.colour`.*Known here: .*bucket"),
        ({"COUNTERSIGN_LAKE__KIND": "s3"}, r"lake.endpoint as host:port"),
        ({"COUNTERSIGN_DASHBOARD__PORT": "99999"}, r"`dashboard.port` was '99999'.*65535"),
        ({"COUNTERSIGN_PORT": "1"}, r"Unknown variable COUNTERSIGN_PORT"),
        ({"COUNTERSIGN_LAKE": "s3"}, r"`lake` .* is a section"),
        ({"COUNTERSIGN_MODE": "live"}, r"broker.kind = alpaca, since mode is live"),
        ({"COUNTERSIGN_BROKER__KIND": "alpaca"}, r"mode = paper or live"),
        ({"COUNTERSIGN_DATABASE__KIND": "server"}, r"COUNTERSIGN_DATABASE__DSN"),
        ({"COUNTERSIGN_VENUE__START": "July"}, r"`venue.start` was 'July'"),
    ],
)
def test_a_wrong_setting_is_told_by_name(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        settings.load(environ(tmp_path, **variables))


def test_a_wrong_key_in_a_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "desk.toml").write_text("[lake]\nbukket = 'x'\n")

    with pytest.raises(SettingsError, match=rf"`lake.bukket` in {tmp_path}/desk.toml"):
        settings.load(environ(tmp_path))


def test_live_trading_needs_two_settings_that_agree(tmp_path: Path) -> None:
    live = environ(
        tmp_path,
        COUNTERSIGN_MODE="live",
        COUNTERSIGN_BROKER__KIND="alpaca",
        COUNTERSIGN_BROKER__KEY_ID="id",
        COUNTERSIGN_BROKER__SECRET_KEY="key",
    )

    with pytest.raises(SettingsError, match=r"live.confirm_account"):
        settings.load(live)
    told = settings.load(live | {"COUNTERSIGN_LIVE__CONFIRM_ACCOUNT": "PA123"})
    assert told.live.confirm_account == "PA123"


def test_a_secret_in_a_file_others_can_read_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "desk.toml"
    own.write_text("[broker]\nkey_id = 'id'\n")
    own.chmod(0o644)

    with pytest.raises(SettingsError, match=r"COUNTERSIGN_BROKER__KEY_ID"):
        settings.load(environ(tmp_path))
    own.chmod(0o600)
    assert settings.load(environ(tmp_path)).broker.key_id == "id"


def test_an_error_never_repeats_a_secret(tmp_path: Path) -> None:
    wrong = environ(
        tmp_path,
        COUNTERSIGN_MODE="paper",
        COUNTERSIGN_BROKER__SECRET_KEY="hush-hush",
        COUNTERSIGN_DATABASE__DSN="mysql://desk:hush-hush@db/desk",
    )

    with pytest.raises(SettingsError) as caught:
        settings.load(wrong)
    assert "hush-hush" not in str(caught.value)
