"""The files of a desk: its lock, its notes, its logs, its ports."""

import socket
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config import settings
from config.errors import SettingsError
from countersign.commands import reset
from countersign.console import Progress
from countersign.processes import addresses, homes, logs, ports, replayed, startup
from countersign.processes.addresses import Ports
from countersign.processes.homes import Home, HomeError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def test_only_one_supervisor_has_the_lock(home: Home) -> None:
    first = homes.take(home)
    assert first is not None

    assert homes.take(home) is None
    assert homes.supervisor_pid(home) is not None

    first.release()
    assert homes.supervisor_pid(home) is None
    again = homes.take(home)
    assert again is not None
    again.release()


def test_what_holds_secrets_is_private(home: Home) -> None:
    homes.write_private(home.runtime, {"database": {"dsn": "postgresql://u:p@h/d"}})

    assert stat.S_IMODE(home.runtime.stat().st_mode) == 0o600
    assert homes.read(home.runtime)["database"]["dsn"].startswith("postgresql")


def test_secrets_are_made_once(home: Home) -> None:
    assert home.secrets() == home.secrets()
    assert stat.S_IMODE((home.root / "run" / "secrets.json").stat().st_mode) == 0o600


def test_damaged_notes_read_as_none(home: Home) -> None:
    home.state.write_text('{"proc')

    assert homes.read(home.state) == {}


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(HomeError, match="DESK_HOME"):
        Home(tmp_path / "file" / "home").prepare()


def test_a_log_that_outgrows_its_limit_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "venue.log"
    with path.open("ab") as writer:
        for number in range(1, 6):
            writer.write(f"{number}".encode() * 100)
            writer.flush()
            assert logs.rotate(path, limit=50, kept=3)
        writer.write(b"after")

    assert path.read_text() == "after"
    assert [(tmp_path / f"venue.log.{n}").read_text()[0] for n in (1, 2, 3)] == ["5", "4", "3"]
    assert not (tmp_path / "venue.log.4").exists()


def test_a_small_or_missing_log_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "small.log").write_text("x\ny\nz\n")

    assert not logs.rotate(tmp_path / "small.log", limit=50)
    assert not logs.rotate(tmp_path / "missing.log")
    assert logs.last_lines(tmp_path / "small.log", 2) == ["y", "z"]
    assert logs.last_lines(tmp_path / "missing.log", 2) == []


def test_a_taken_port_moves_to_the_next_and_it_is_said() -> None:
    base = ports.next_free(24000)
    wanted = Ports(base, base + 10, base + 20, base + 30, base + 40, base + 50)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", base + 10))
        listener.listen()

        used, moved = addresses.choose(wanted, {})

    assert used.venue > base + 10
    assert used.postgres == base
    assert [port.sentence for port in moved] == [
        f"Port {base + 10} is taken; the paper venue uses {used.venue}."
    ]


def test_what_still_runs_keeps_its_port() -> None:
    base = ports.next_free(24100)
    wanted = Ports(base, base + 10, base + 20, base + 30, base + 40, base + 50)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", base + 15))
        listener.listen()

        used, moved = addresses.choose(wanted, {"venue": base + 15})

    assert used.venue == base + 15
    assert moved == []


def test_two_services_never_share_a_port() -> None:
    base = ports.next_free(24200)

    used, _ = addresses.choose(Ports(base, base, base, base, base, base), {})

    assert len(set(vars(used).values())) == 6


def test_a_server_is_used_only_when_both_settings_say_so(tmp_path: Path) -> None:
    server = {"COUNTERSIGN_DATABASE__DSN": "postgresql://desk:pw@db:5432/desk"}
    alone = settings.load({"DESK_HOME": str(tmp_path)} | server)
    both = settings.load(
        {"DESK_HOME": str(tmp_path), "COUNTERSIGN_DATABASE__KIND": "server"} | server
    )

    with pytest.raises(SettingsError, match="COUNTERSIGN_DATABASE__KIND=server"):
        addresses.require_server(alone)
    addresses.require_server(both)
    assert "postgres" in addresses.needed(alone)
    assert "postgres" not in addresses.needed(both)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("2012-07-04", "is 2012-07-04, a Wednesday on which .* to 2012-07-03 or 2012-07-05"),
        ("2012-06-30", "is 2012-06-30, a Saturday on which .* to 2012-06-29 or 2012-07-02"),
        ("1900-01-01", "is 1900-01-01, a Monday on which .* to 1952-09-29"),
    ],
)
def test_a_replay_that_would_begin_on_a_day_without_trading_is_refused_before_anything_starts(
    tmp_path: Path, start: str, said: str
) -> None:
    environ = {"DESK_HOME": str(tmp_path / "home"), "COUNTERSIGN_VENUE__START": start}
    home = Home(tmp_path / "home")
    home.prepare()

    with pytest.raises(SettingsError, match=said):
        startup.begin(home, Progress(), environ)

    assert not home.runtime.exists()


def test_a_desk_with_a_real_broker_has_no_replay_to_begin(tmp_path: Path) -> None:
    told = settings.load(
        {
            "DESK_HOME": str(tmp_path), "COUNTERSIGN_VENUE__START": "2012-07-04",
            "COUNTERSIGN_MODE": "paper", "COUNTERSIGN_BROKER__KIND": "alpaca",
            "COUNTERSIGN_BROKER__KEY_ID": "PK1", "COUNTERSIGN_BROKER__SECRET_KEY": "s",
        }
    )  # fmt: skip

    replayed.require_session(told)


def test_a_folder_behind_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(HomeError, match="a file is in its way"):
        Home(tmp_path / "file").prepare()


def test_a_reset_says_what_goes_and_what_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.root / "desk.toml").write_text('[lake]\nkind = "s3"\nendpoint = "minio:9000"\n')
    monkeypatch.setenv("DESK_HOME", str(home.root))
    monkeypatch.setenv("COUNTERSIGN_LAKE__ACCESS_KEY", "desk")
    monkeypatch.setenv("COUNTERSIGN_LAKE__SECRET_KEY", "secret")
    kept = CliRunner().invoke(reset.app, input="n\n")
    assert kept.exit_code == 1
    assert (home.root / "logs").exists()

    done = CliRunner().invoke(reset.app, ["--yes"])

    assert done.exit_code == 0
    assert "dagster, logs, run." in done.stdout
    assert "yours and stay: desk.toml" in done.stdout
    assert "bucket lake at minio:9000 stay" in done.stdout
    assert [path.name for path in home.root.iterdir()] == ["desk.toml"]
