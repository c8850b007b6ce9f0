"""Who may look: the machine's user on loopback, people with passwords, people of a provider."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from config import settings as settings_file
from config.errors import SettingsError
from config.settings import Settings
from dashboard import data, oidc, signin
from dashboard.routes import all_middleware, all_routes
from ledger import people
from trading.errors import NotAllowedError

PASSWORD = "a long enough password"
NOW = datetime(2012, 7, 2, 20, 0, tzinfo=UTC)
OIDC = {
    "COUNTERSIGN_DASHBOARD__SIGN_IN": "oidc",
    "COUNTERSIGN_DASHBOARD__ADDRESS": "https://desk.example.com",
    "COUNTERSIGN_DASHBOARD__OIDC_PROVIDER": "https://id.example.com/realms/desk/",
    "COUNTERSIGN_DASHBOARD__OIDC_CLIENT_ID": "desk",
    "COUNTERSIGN_DASHBOARD__OIDC_CLIENT_SECRET": "hush-hush",
}


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


def claims(**told: object) -> dict[str, object]:
    """What a provider says of Maria, a second ago."""
    return {
        "sub": "248289761001",
        "name": "Maria Keller",
        "email": "Maria.Keller@Example.com",
        "email_verified": True,
        "iat": NOW.timestamp() - 1,
        "nonce": "n-1",
    } | told


def test_one_address_is_one_person_however_it_is_written() -> None:
    who = oidc.identity(claims(), now=NOW)

    assert (who.login, who.display_name) == ("maria.keller@example.com", "Maria Keller")


@pytest.mark.parametrize("vouched", [False, None, "false", 0, "yes"])
def test_an_address_that_the_provider_does_not_vouch_for_is_no_login(vouched: object) -> None:
    who = oidc.identity(claims(email_verified=vouched), now=NOW)

    assert who.login == "sub:248289761001"


def test_a_provider_that_says_true_as_a_text_is_understood() -> None:
    assert oidc.identity(claims(email_verified="true"), now=NOW).login.startswith("maria")


@pytest.mark.parametrize(("minutes", "said"), [(-6, "6 minutes ago"), (6, "6 minutes ahead")])
def test_an_answer_that_is_not_fresh_signs_nobody_in(minutes: int, said: str) -> None:
    issued = NOW + timedelta(minutes=minutes)

    with pytest.raises(NotAllowedError, match=said):
        oidc.identity(claims(iat=issued.timestamp()), now=NOW)


def test_an_answer_without_a_date_signs_nobody_in() -> None:
    with pytest.raises(NotAllowedError, match="only a fresh one counts"):
        oidc.identity(claims(iat=None), now=NOW)


def test_an_answer_lets_somebody_in_once_whatever_tickets_were_given_for_it() -> None:
    tickets = oidc.Tickets()
    first = tickets.give("maria", answer="n-1", now=NOW)
    second = tickets.give("maria", answer="n-1", now=NOW)
    assert first is not None
    assert second is not None

    assert tickets.take(first, now=NOW) == "maria"
    assert tickets.take(first, now=NOW) is None
    assert tickets.take(second, now=NOW) is None
    assert tickets.give("maria", answer="n-1", now=NOW + oidc.FRESH) is None


def test_a_ticket_holds_for_a_minute() -> None:
    tickets = oidc.Tickets()
    ticket = tickets.give("maria", answer="n-1", now=NOW)
    assert ticket is not None

    assert tickets.take(ticket, now=NOW + timedelta(seconds=61)) is None


def test_a_ticket_gives_a_cookie_and_takes_the_providers_answer_away(visitor: TestClient) -> None:
    with data.engine().begin() as conn:
        maria = people.by_login(conn, "maria")
    assert maria is not None
    ticket = signin.TICKETS.give(maria.person_id, answer="n-cookie", now=data.now())
    visitor.cookies.set("_streamlit_user", "chunks-2")
    visitor.cookies.set("_streamlit_user_1", "first")

    answer = visitor.post("/enter", data={"ticket": str(ticket)})

    set_cookies = answer.headers.get_list("set-cookie")
    ended = {cookie.split("=")[0] for cookie in set_cookies if "Max-Age=0" in cookie}
    assert ended == {"_streamlit_user", "_streamlit_user_1"}
    who = signin.by_token(data.engine(), answer.cookies[signin.COOKIE])
    assert who == maria


def test_a_ticket_is_no_address_that_somebody_could_be_given_to_click(visitor: TestClient) -> None:
    assert visitor.get("/enter?ticket=x").status_code == 405


def test_streamlit_is_told_of_the_provider_only_where_people_sign_in_with_it(
    tmp_path: Path,
) -> None:
    local = settings_file.load({"DESK_HOME": str(tmp_path)})
    told = settings_file.load({"DESK_HOME": str(tmp_path)} | OIDC)

    assert oidc.for_streamlit(local.dashboard) == {}
    auth = oidc.for_streamlit(told.dashboard)["auth"]
    assert auth["redirect_uri"] == "https://desk.example.com/oauth2callback"
    assert (
        auth["server_metadata_url"]
        == "https://id.example.com/realms/desk/.well-known/openid-configuration"
    )
    assert auth["cookie_secret"] != oidc.for_streamlit(told.dashboard)["auth"]["cookie_secret"]


def test_a_provider_that_does_not_answer_is_told_with_its_setting(tmp_path: Path) -> None:
    nobody = OIDC | {"COUNTERSIGN_DASHBOARD__OIDC_PROVIDER": "http://127.0.0.1:1"}
    told = settings_file.load({"DESK_HOME": str(tmp_path)} | nobody)

    assert "`dashboard.oidc_provider`" in oidc.trouble(told.dashboard)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"OIDC_CLIENT_SECRET": ""}, r"Set COUNTERSIGN_DASHBOARD__OIDC_CLIENT_SECRET \(docs"),
        ({"OIDC_PROVIDER": "", "OIDC_CLIENT_ID": ""}, r"OIDC_PROVIDER and .*OIDC_CLIENT_ID"),
        ({"ADDRESS": "", "HOST": "0.0.0.0"}, r"COUNTERSIGN_DASHBOARD__ADDRESS to the one"),
        ({"ADDRESS": "http://desk.example.com"}, r"http:// only on this machine itself"),
        ({"ADDRESS": "https://desk.example.com/desk"}, r"scheme, host and port alone"),
        ({"OIDC_PROVIDER": "accounts.google.com"}, r"the https:// address of the provider"),
    ],
)
def test_a_missing_or_wrong_piece_is_told_by_its_setting(
    tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    wrong = {f"COUNTERSIGN_DASHBOARD__{name}": value for name, value in changed.items()}

    with pytest.raises(SettingsError, match=said):
        settings_file.load({"DESK_HOME": str(tmp_path)} | OIDC | wrong)


def test_a_desk_that_others_reach_through_a_proxy_asks_who_they_are(tmp_path: Path) -> None:
    environ = {
        "DESK_HOME": str(tmp_path),
        "COUNTERSIGN_DASHBOARD__ADDRESS": "https://desk.example.com",
    }

    assert signin.kind(settings_file.load(environ)) == "local"


def test_a_newcomer_of_the_provider_may_look_and_nothing_else(visitor: TestClient) -> None:
    who = oidc.Identity("eve@example.com", "Eve", answer="n-eve")

    visitor.post("/enter", data={"ticket": str(signin.admit(who))})

    eve = signin.by_token(data.engine(), visitor.cookies[signin.COOKIE])
    assert eve is not None
    assert (eve.login, eve.roles, eve.origin) == ("eve@example.com", ("viewer",), "oidc")


def test_the_provider_lets_nobody_in_as_a_person_with_a_password(visitor: TestClient) -> None:
    with pytest.raises(NotAllowedError, match="signs in another way"):
        signin.admit(oidc.Identity("maria", "Maria", answer="n-maria"))


def test_a_closed_login_stays_closed_whatever_the_provider_says(visitor: TestClient) -> None:
    who = oidc.Identity("ex@example.com", "Ex", answer="n-ex")
    signin.admit(who)
    with data.engine().begin() as conn:
        person = people.by_login(conn, who.login)
        assert person is not None
        people.change_roles(
            conn,
            person_id=person.person_id,
            roles=("viewer",),
            active=False,
            changed_by="operator",
            desk_at=data.now(),
        )

    with pytest.raises(NotAllowedError, match="is closed on this desk"):
        signin.admit(who)
