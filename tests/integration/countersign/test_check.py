"""`countersign check` as a person and a program meet it: exit codes, one JSON object, a page."""

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from minio import Minio
from typer.testing import CliRunner

from adapters.market_data.files import (
    Delivery,
    FileOptions,
    UnreadableFileError,
    read_place,
)
from config.settings import LakeSettings
from countersign.commands.check import app
from tests.unit.quality.market import index, rows

ROOT = Path(__file__).parents[3]
Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """The command in a process of its own, in a folder with no desk."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "countersign", "check", *arguments],
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "DESK_HOME": str(tmp_path / "no-desk")}
            | environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def csv() -> str:
    """AAPL in January 2005: real, and free of errors and warnings."""
    return rows("AAPL", date(2005, 1, 14), date(2005, 2, 18)).write_csv()


def test_a_clean_file_ends_with_0(check: Check, tmp_path: Path, csv: str) -> None:
    (tmp_path / "AAPL.csv.gz").write_bytes(gzip.compress(csv.encode()))
    index().write_csv(tmp_path / "index.csv")

    done = check("AAPL.csv.gz", "--kind", "daily", "--index", "index.csv", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["findings"] == []
    assert told["summary"]["findings_by_severity"] == {"error": 0, "warning": 0, "note": 0}


def test_a_finding_ends_with_1_and_is_told_whole(check: Check, tmp_path: Path, csv: str) -> None:
    lines = csv.splitlines()
    fields = lines[10].split(",")
    lines[10] = ",".join([*fields[:5], "-1", fields[6]])
    path = tmp_path / "bars.csv"
    path.write_text("\n".join([*lines, "AAPL,2005-02-22,cut"]))

    done = check(str(path), "--kind", "daily", "--json")

    assert done.returncode == 1
    assert done.stdout.count("\n") == 1
    told = json.loads(done.stdout)
    found = {one["rule"]: one for one in told["findings"]}
    assert found["prices_are_positive"] == {
        "symbol": "AAPL",
        "session": fields[1],
        "bar_start": None,
        "rule": "prices_are_positive",
        "severity": "error",
        "message": found["prices_are_positive"]["message"],
        "figures": found["prices_are_positive"]["figures"],
        "line": 11,
    }
    assert found["prices_are_positive"]["figures"]["close"] == -1.0
    assert found["row_is_readable"]["line"] == len(lines) + 1
    summary = told["summary"]
    assert (summary["rows"], summary["symbols"]) == (len(lines), 1)
    assert (summary["first_session"], summary["last_session"]) == ("2005-01-14", "2005-02-22")
    assert summary["findings_by_rule"]["row_is_readable"] == 1
    assert summary["findings_by_severity"]["error"] >= 2
    assert summary["seconds"] > 0


def test_a_person_reads_rules_examples_and_where_to_look_on(tmp_path: Path, csv: str) -> None:
    (tmp_path / "bars.csv").write_text(csv.replace("AAPL,2005-02-01", "AAPL,2005-02-05"))

    done = CliRunner().invoke(app, [str(tmp_path / "bars.csv"), "--kind", "daily"])

    assert done.exit_code == 1
    assert "day_is_not_a_weekend" in done.stdout
    assert "1 error" in done.stdout
    assert "--html DIR" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.csv", "--kind", "daily"), "There is no file none.csv."),
        (("bars.csv", "--kind", "minute"), "use --kind daily"),
        (("bars.csv", "--kind", "weekly"), "--kind must be one of daily, minute"),
        (("bars.csv", "--kind", "daily", "--map", "close=Last"), "has no column 'Last'"),
        (("bars.csv", "--kind", "daily", "--map", "close"), "--map must be OURS=THEIRS"),
        (("bars.csv", "--kind", "daily", "--actions", "none.csv"), "There is no file none.csv."),
    ],
)
def test_what_cannot_be_read_ends_with_2_and_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    csv: str,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    (tmp_path / "bars.csv").write_text(csv)
    monkeypatch.chdir(tmp_path)

    done = CliRunner().invoke(app, [*arguments, "--json"])

    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert json.loads(done.stdout)["error"] == done.stderr.strip()


def test_a_process_that_cannot_read_its_file_ends_with_2(check: Check) -> None:
    done = check("none.csv", "--kind", "daily")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no file none.csv.\n"


def test_the_page_is_written_and_loads_nothing_from_outside(tmp_path: Path, csv: str) -> None:
    from quality.pages import outside_addresses

    (tmp_path / "bars.csv").write_text(csv + "AAPL,someday,1,2,3,4,5\n")

    done = CliRunner().invoke(
        app,
        [str(tmp_path / "bars.csv"), "--kind", "daily", "--html", str(tmp_path / "docs"), "--json"],
    )

    page = Path(json.loads(done.stdout)["summary"]["page"])
    text = page.read_text(encoding="utf-8")
    assert outside_addresses(text) == []
    assert "cannot be read" in text
    assert (tmp_path / "docs" / "index.html").is_file()


@pytest.mark.s3
def test_an_object_in_a_bucket_is_checked(
    check: Check, s3_settings: LakeSettings, csv: str
) -> None:
    _put(s3_settings, "AAPL.csv.gz", csv)

    place = f"s3://{s3_settings.bucket}/AAPL.csv.gz"
    done = check(place, "--kind", "daily", "--json", **_lake(s3_settings))

    assert done.returncode in {0, 1}
    assert json.loads(done.stdout)["summary"]["rows"] == csv.count("\n") - 1


@pytest.mark.s3
def test_a_prefix_is_read_as_a_folder_and_what_is_missing_is_said(
    s3_settings: LakeSettings, csv: str
) -> None:
    for key in ("vendor drop/AAPL (1).csv.gz", "vendor drop/MSFT.csv.gz", "vendor drop/readme.md"):
        _put(s3_settings, key, csv.replace("symbol,", "figi,"))

    def delivered(place: str, **environment: str) -> Delivery:
        return read_place(f"s3://{place}", kind="daily", options=FileOptions(), environ=environment)

    bucket = s3_settings.bucket
    frame = delivered(f"{bucket}/vendor drop", **_aws(s3_settings)).frame
    assert frame["file"].unique().sort().to_list() == [
        "vendor drop/AAPL (1).csv",
        "vendor drop/MSFT.csv",
    ]
    with pytest.raises(UnreadableFileError, match="There is no object"):
        delivered(f"{bucket}/none.csv", **_lake(s3_settings))
    with pytest.raises(UnreadableFileError, match="There is no bucket 'no-such-bucket'"):
        delivered("no-such-bucket/AAPL.csv", **_lake(s3_settings))
    with pytest.raises(UnreadableFileError, match="refuses the access key"):
        delivered(f"{bucket}/AAPL.csv", **_lake(s3_settings) | {_SECRET: "wrong"})


_SECRET = "COUNTERSIGN_LAKE__SECRET_KEY"


def _put(settings: LakeSettings, key: str, csv: str) -> None:
    client = Minio(
        settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        secure=False,
    )
    packed = gzip.compress(csv.encode())
    client.put_object(settings.bucket, key, io.BytesIO(packed), len(packed))


def _lake(settings: LakeSettings) -> dict[str, str]:
    return {
        "COUNTERSIGN_LAKE__KIND": "s3",
        "COUNTERSIGN_LAKE__ENDPOINT": settings.endpoint,
        "COUNTERSIGN_LAKE__ACCESS_KEY": settings.access_key,
        _SECRET: settings.secret_key,
    }


def _aws(settings: LakeSettings) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://{settings.endpoint}",
        "AWS_ACCESS_KEY_ID": settings.access_key,
        "AWS_SECRET_ACCESS_KEY": settings.secret_key,
    }
