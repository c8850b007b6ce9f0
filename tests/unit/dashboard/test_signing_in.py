"""Who may look: the operating-system user on loopback, otherwise people with passwords."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from config import settings as settings_file
from config.errors import SettingsError
from config.settings import Settings
from dashboard import data, signin
from dashboard.routes import all_middleware, all_routes
from ledger import people

PASSWORD = "a long enough password"


@pytest.fixture
def visitor(desk_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser before a desk that asks for passwords and knows Maria."""
    monkeypatch.setenv("COUNTERSIGN_DASHBOARD__SIGN_IN", "local")
    with data.engine().begin() as conn:
        people.add(
            conn,
            login="maria",
            display_name="Maria",
            roles=("signatory",),
            desk_at=data.now(),
            password=PASSWORD,
        )
    app = Starlette(routes=all_routes(), middleware=all_middleware())
    with TestClient(app, follow_redirects=False) as client:
        yield client


def test_a_right_password_leaves_a_cookie_that_no_script_and_no_other_site_can_use(
    visitor: TestClient,
) -> None:
    answer = visitor.post("/sign-in", data={"login": "maria", "password": PASSWORD})

    cookie = answer.headers["set-cookie"].lower()
    assert answer.status_code == 303
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    token = answer.cookies[signin.COOKIE]
    who = signin.by_token(data.engine(), token)
    assert who is not None
    assert who.login == "maria"


def test_a_wrong_password_is_refused_and_takes_its_time(visitor: TestClient) -> None:
    begun = time.monotonic()

    answer = visitor.post("/sign-in", data={"login": "maria", "password": "wrong"})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert time.monotonic() - begun >= 1.0


def test_a_form_of_another_site_is_refused(visitor: TestClient) -> None:
    answer = visitor.post(
        "/sign-in",
        data={"login": "maria", "password": PASSWORD},
        headers={"origin": "https://elsewhere.example"},
    )

    assert answer.status_code == 403


def test_another_host_name_is_not_answered(visitor: TestClient) -> None:
    answer = visitor.get("/healthz", headers={"host": "elsewhere.example"})

    assert answer.status_code == 400


def test_reports_are_read_only_by_people_who_signed_in(
    visitor: TestClient, desk_settings: Settings
) -> None:
    folder: Path = desk_settings.home / "data_docs"
    folder.mkdir()
    (folder / "index.html").write_text("<p>report</p>", encoding="utf-8")
    (desk_settings.home / "secret").write_text("secret", encoding="utf-8")

    before = visitor.get("/data-docs/")
    visitor.post("/sign-in", data={"login": "maria", "password": PASSWORD})
    after = visitor.get("/data-docs/")
    outside = visitor.get("/data-docs/%2e%2e/secret")

    assert (before.status_code, before.headers["location"]) == (303, "/sign-in")
    assert (after.status_code, after.text) == (200, "<p>report</p>")
    assert outside.status_code == 404


def test_signing_out_ends_the_session(visitor: TestClient) -> None:
    answer = visitor.post("/sign-in", data={"login": "maria", "password": PASSWORD})
    token = answer.cookies[signin.COOKIE]

    visitor.post("/sign-out")

    assert signin.by_token(data.engine(), token) is None


def test_the_desk_is_healthy_while_its_ledger_answers(visitor: TestClient) -> None:
    assert visitor.get("/healthz").text == "ok"


@pytest.mark.parametrize(
    ("host", "kind"),
    [("127.0.0.1", "os"), ("::1", "os"), ("localhost", "os"), ("0.0.0.0", "local")],
)
def test_only_a_loopback_desk_signs_in_the_machines_user(
    host: str, kind: str, tmp_path: Path
) -> None:
    environ = {"DESK_HOME": str(tmp_path), "COUNTERSIGN_DASHBOARD__HOST": host}

    assert signin.kind(settings_file.load(environ)) == kind


def test_the_machines_user_is_refused_where_others_could_reach_the_page(tmp_path: Path) -> None:
    environ = {
        "DESK_HOME": str(tmp_path),
        "COUNTERSIGN_DASHBOARD__HOST": "0.0.0.0",
        "COUNTERSIGN_DASHBOARD__SIGN_IN": "os",
    }

    with pytest.raises(SettingsError, match=r"loopback"):
        signin.kind(settings_file.load(environ))
