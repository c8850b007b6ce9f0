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


@pytest.mark.parametrize(("own", "seconds"), [({}, 10.0), ({"LOOK_SECONDS": "5"}, 5.0)])
def test_alpaca_is_asked_more_seldom_than_the_venue_unless_somebody_says_how_often(
    tmp_path: Path, own: dict[str, str], seconds: float
) -> None:
    alpaca = {"KIND": "alpaca", "KEY_ID": "PKTEST", "SECRET_KEY": "hush-hush"} | own
    variables = {f"COUNTERSIGN_BROKER__{key}": value for key, value in alpaca.items()}
    venue = settings.load(environ(tmp_path)).broker
    connected = settings.load(environ(tmp_path, COUNTERSIGN_MODE="paper", **variables)).broker

    assert (venue.look_seconds, venue.clock_seconds) == (0.0, 0.0)
    assert (connected.look_seconds, connected.clock_seconds) == (seconds, 60.0)


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "desk.toml").write_text("[dashboard]\nport = 9001\n[dagster]\nport = 9002\n")
    (tmp_path / "runtime.json").write_text(json.dumps({"dagster": {"port": 9003}}))

    told = settings.load(environ(tmp_path, COUNTERSIGN_MLFLOW__PORT="9004"))

    assert (told.dashboard.port, told.dagster.port, told.mlflow.port) == (9001, 9003, 9004)


def test_a_port_that_was_taken_is_the_one_used_instead_for_everyone(tmp_path: Path) -> None:
    used = {"mlflow": {"port": 9005, "tracking_uri": "http://127.0.0.1:9005"}}
    (tmp_path / "runtime.json").write_text(json.dumps(used))
    asked = environ(tmp_path, COUNTERSIGN_MLFLOW__PORT="9004")

    running, told = (settings.load(asked, running=running) for running in (True, False))

    assert (running.mlflow.port, running.mlflow.tracking_uri) == (9005, "http://127.0.0.1:9005")
    assert told.mlflow.port == 9004


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
        ({"COUNTERSIGN_LAKE__BUCKET": "My Lake"}, r"was 'My Lake' .*lower-case letters"),
        ({"COUNTERSIGN_LAKE__ENDPOINT": "http://h:9000"}, r"was 'http://h:9000' .*host:port alone"),
        ({"COUNTERSIGN_DASHBOARD__PORT": "99999"}, r"was '99999' .*PORT. Wanted: 65535 or less."),
        ({"COUNTERSIGN_DASHBOARD__PORT": "web"}, r"was 'web' in .*PORT. Wanted: a whole number."),
        ({"COUNTERSIGN_PORT": "1"}, r"Unknown variable COUNTERSIGN_PORT. .*broker, dagster"),
        ({"COUNTERSIGN_BUILD": "1"}, r"Unknown variable COUNTERSIGN_BUILD"),
        ({"COUNTERSIGN_LAKE": "s3"}, r"`lake` was 's3' .* is a section.*COUNTERSIGN_LAKE__KEY"),
        ({"COUNTERSIGN_DATABASE__DSN": "postgresql://h:x/d"}, r"not shown.*postgresql://user"),
        ({"COUNTERSIGN_DATABASE__DSN": "postgresql://h:5432"}, r"not shown.*:5432/desk"),
        ({"COUNTERSIGN_VENUE__START": "July"}, r"`venue.start` was 'July' .*a date, YYYY-MM-DD"),
    ],
)
def test_a_wrong_setting_is_told_by_name(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        settings.load(environ(tmp_path, **variables))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"LAKE__KIND": "s3"},
            r"^`lake.kind` is s3, .*Set COUNTERSIGN_LAKE__ENDPOINT to host:port, .* "
            r"\(`lake.kind` is set in the variable COUNTERSIGN_LAKE__KIND.\)$",
        ),
        (
            {"LAKE__KIND": "s3", "LAKE__ENDPOINT": "h:9000", "LAKE__ACCESS_KEY": "desk"},
            r"keys to h:9000 are not complete. Set COUNTERSIGN_LAKE__SECRET_KEY\.",
        ),
        ({"WAREHOUSE__KIND": "s3"}, r"^`warehouse.kind` is s3, .*COUNTERSIGN_LAKE__ENDPOINT"),
        (
            {"MODE": "live"},
            r"^`mode` is live, but `broker.kind` is venue. .*`mode` is set in the variable "
            r"COUNTERSIGN_MODE; `broker.kind` is set in .*/config/desk.toml",
        ),
        ({"BROKER__KIND": "alpaca"}, r"alpaca, but `mode` is embedded.*COUNTERSIGN_MODE to paper"),
        (
            {"MODE": "paper", "BROKER__KIND": "alpaca", "BROKER__KEY_ID": "id"},
            r"COUNTERSIGN_BROKER__KEY_ID and COUNTERSIGN_BROKER__SECRET_KEY",
        ),
        ({"DATABASE__KIND": "server"}, r"`database.kind` is server.*COUNTERSIGN_DATABASE__DSN"),
    ],
)
def test_settings_that_do_not_agree_say_what_to_set_and_where_they_stand(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    told = {f"COUNTERSIGN_{name}": value for name, value in variables.items()}

    with pytest.raises(SettingsError, match=said):
        settings.load(environ(tmp_path, **told))


def test_a_wrong_key_in_a_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "desk.toml").write_text("[lake]\nbukket = 'x'\n")

    with pytest.raises(SettingsError, match=rf"`lake.bukket` in {tmp_path}/desk.toml"):
        settings.load(environ(tmp_path))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"[lake\nkind = 's3'", r"desk.toml is not valid TOML: .*line 1"),
        (b"\xff\xfe[lake]", r"desk.toml is not text in UTF-8"),
        (b"lake = 's3'", r"`lake` was 's3' in .*desk.toml, but it is a section"),
        (b"[mode]\nkind = 1", r"\[mode\] in .*desk.toml is a section, but `mode` is a value"),
        (b"home = '/elsewhere'", r"Unknown key `home` in .*desk.toml"),
        (b"[lakes]\nkind = 's3'", r"Unknown key `lakes` in .*Known here: alerts, broker"),
        (b"[venue]\nstart = 2012-07-02T10:00:00", r"was 2012-07-02 10:00:00 .*a date, YYYY-MM-DD"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, written: bytes, said: str) -> None:
    (tmp_path / "desk.toml").write_bytes(written)

    with pytest.raises(SettingsError, match=said):
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
    told = settings.load(live | {"COUNTERSIGN_LIVE__CONFIRM_ACCOUNT": "123456789"})
    assert told.live.confirm_account == "123456789"


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
