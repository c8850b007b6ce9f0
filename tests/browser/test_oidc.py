"""People sign in through their organisation: a real provider, dashboard, ledger and browser."""

import html
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect
from typer.testing import CliRunner

import ledger
from config import settings as settings_file
from config.build import REPOSITORY
from config.settings import Settings
from countersign.commands import user
from countersign.processes import plan
from countersign.processes.ports import LOOPBACK, next_free
from countersign.processes.postgres import Cluster
from dashboard import data, oidc, signin
from ledger import migrate as ledger_migrate
from ledger import people
from ledger.people import Person
from tests.browser.identity import CLIENT, Provider
from tests.servers import fresh_database
from warehouse import migrate as warehouse_migrate

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SECRET = "the-client-secret-that-nobody-may-read"
# More than one cookie holds: Streamlit then splits what it keeps.
MARIA = {
    "sub": "248289761001",
    "name": "Maria Keller",
    "email": "Maria.Keller@example.com",
    "email_verified": True,
    "groups": [f"group-{n:03}-of-a-large-organisation" for n in range(120)],
}


@dataclass(frozen=True)
class Desk:
    """A dashboard whose people sign in through `provider`, without the rest of a desk."""

    settings: Settings
    provider: Provider
    process: psutil.Process
    log: Path
    told: dict[str, str]

    @property
    def address(self) -> str:
        return self.settings.dashboard.origin

    @contextmanager
    def ledger(self) -> Iterator[sa.Connection]:
        engine = ledger.engine(self.settings.database.url("desk"), pool_size=1)
        with engine.begin() as conn:
            yield conn
        engine.dispose()

    def person(self, login: str) -> Person | None:
        with self.ledger() as conn:
            return people.by_login(conn, login)

    def run(self, *words: str) -> str:
        """What `./desk user` says."""
        done = CliRunner().invoke(user.app, words, env=self.told)
        assert done.exit_code == 0, done.output
        return done.output


@pytest.fixture(scope="module")
def whole(postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    port = next_free(28_000 + os.getpid() % 1_000)
    provider = Provider(SECRET, f"http://{LOOPBACK}:{port}{oidc.CALLBACK}")
    home = tmp_path_factory.mktemp("home")
    with fresh_database(postgres_server) as dsn:
        told = {
            "DESK_HOME": str(home),
            "COUNTERSIGN_DATABASE__DSN": dsn,
            "COUNTERSIGN_DASHBOARD__PORT": str(port),
            "COUNTERSIGN_DASHBOARD__SIGN_IN": "oidc",
            "COUNTERSIGN_DASHBOARD__OIDC_PROVIDER": provider.issuer,
            "COUNTERSIGN_DASHBOARD__OIDC_CLIENT_ID": CLIENT,
        }
        (home / "desk.toml").write_text(f"[dashboard]\noidc_client_secret = '{SECRET}'\n")
        (home / "desk.toml").chmod(0o600)
        settings = settings_file.load(told)
        ledger_migrate.upgrade(dsn)
        warehouse_migrate.upgrade(settings)
        environment = os.environ | told | {"PYTHONPATH": str(REPOSITORY)}
        with _running(settings, environment, home / "dashboard.log") as process:
            yield Desk(settings, provider, process, home / "dashboard.log", told)
    provider.close()


@contextmanager
def _running(
    settings: Settings, environment: dict[str, str], log: Path
) -> Iterator[psutil.Process]:
    spec = plan.dashboard(settings)
    with log.open("wb") as output:
        process = subprocess.Popen(
            spec.command, env=environment, cwd=REPOSITORY, stdout=output, stderr=output
        )
    try:
        until = time.monotonic() + 60
        while not spec.probe():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def desk(whole: Desk) -> Desk:
    """The dashboard; its provider signs Maria in and knows the right secret."""
    whole.provider.person = dict(MARIA)
    whole.provider.refusal = ""
    whole.provider.client_secret = SECRET
    return whole


def test_a_person_signs_in_by_name_and_leaves_by_signing_out(desk: Desk, page: Page) -> None:
    _sign_in(desk, page)
    expect(_header(page)).to_contain_text("signed in: Maria Keller (viewer)")
    page.reload()
    expect(_header(page)).to_contain_text("signed in: Maria Keller (viewer)")

    asked = desk.provider.asked[-1]
    assert asked["redirect_uri"] == f"{desk.address}{oidc.CALLBACK}"
    assert asked["code_challenge_method"] == "S256"
    assert {"state", "nonce"} <= asked.keys()
    kept = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert (kept[signin.COOKIE]["httpOnly"], kept[signin.COOKIE]["sameSite"]) == (True, "Strict")
    # Streamlit's own would sign her in again for a month, whatever the desk thinks by then.
    assert not [name for name in kept if name.startswith(oidc.STREAMLIT_COOKIE)]
    who = desk.person("maria.keller@example.com")
    assert who is not None
    assert (who.origin, who.roles) == ("oidc", ("viewer",))

    said = desk.run("change", who.login, "--role", "signatory")
    assert "may now act as signatory" in said
    expect(_header(page)).to_contain_text("signed in: Maria Keller (signatory)")

    beside = page.context.new_page()
    beside.goto(desk.address)
    expect(_header(beside)).to_be_visible()
    page.bring_to_front()
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(_button(page)).to_be_visible()
    beside.bring_to_front()
    expect(_button(beside)).to_be_visible()
    left = {cookie["name"] for cookie in page.context.cookies()}
    assert left <= {"_streamlit_session", "_streamlit_xsrf"}
    token = str(kept[signin.COOKIE]["value"])
    with desk.ledger() as conn:
        assert people.signed_in(conn, token=token, desk_at=data.now()) is None


def test_the_login_of_a_local_person_is_not_taken_over(desk: Desk, page: Page) -> None:
    with desk.ledger() as conn:
        before = people.add(
            conn,
            login="anna@example.com",
            display_name="Anna",
            roles=("signatory",),
            desk_at=data.now(),
            password="a long enough password",
        )
    desk.provider.person |= {"sub": "3", "name": "Anna", "email": "anna@example.com"}

    page.goto(desk.address)
    _button(page).click()

    expect(page.get_by_text("belongs to a person of this desk")).to_be_visible()
    assert desk.person("anna@example.com") == before
    assert signin.COOKIE not in {cookie["name"] for cookie in page.context.cookies()}


def test_answers_that_cannot_be_trusted_are_refused_with_the_reason(desk: Desk, page: Page) -> None:
    begin = _beginning(desk, page)
    with _visitor(desk) as visitor, _visitor(desk) as other:
        theirs = _to_callback(visitor, begin)
        assert "no sign-in that was begun in this browser" in _answer(other, theirs)
        assert "no sign-in that was begun" in _answer(other, f"{oidc.CALLBACK}?code=x&state=y")

        desk.provider.refusal = "access_denied"
        assert "said no: access_denied" in _answer(visitor, _to_callback(visitor, begin))

        desk.provider.refusal, desk.provider.client_secret = "", "another"
        said = _answer(visitor, _to_callback(visitor, begin))
        assert "COUNTERSIGN_DASHBOARD__OIDC_CLIENT_SECRET" in said

        assert not [name for name in visitor.cookies if name.startswith(oidc.STREAMLIT_COOKIE)]


def test_a_ticket_is_taken_only_from_the_desks_own_page(desk: Desk) -> None:
    with _visitor(desk) as visitor:
        elsewhere = {"Origin": "https://elsewhere.example"}
        foreign = visitor.post("/enter", data={"ticket": "x"}, headers=elsewhere)
        unknown = visitor.post("/enter", data={"ticket": "x"})

    assert foreign.status_code == 403
    assert unknown.headers["location"] == "/"
    assert "set-cookie" not in unknown.headers


def test_the_secret_is_in_no_command_and_no_log(desk: Desk) -> None:
    family = [desk.process, *desk.process.children(recursive=True)]

    assert not [p for p in family if SECRET in " ".join(p.cmdline())]
    assert SECRET not in desk.log.read_text()
    assert SECRET not in repr(desk.settings)


def _sign_in(desk: Desk, page: Page) -> None:
    page.goto(desk.address)
    _button(page).click()
    expect(_header(page)).to_be_visible()


def _button(page: Page) -> Locator:
    return page.get_by_role("button", name="Sign in with your organisation")


def _header(page: Page) -> Locator:
    return page.get_by_text(re.compile("signed in:")).first


def _beginning(desk: Desk, page: Page) -> str:
    """The address at which a press on the button begins a sign-in; it holds for two minutes."""
    page.route("**/auth/login?*", lambda route: route.fulfill(body="kept"))
    page.goto(desk.address)
    with page.expect_request("**/auth/login?*") as caught:
        _button(page).click()
    return caught.value.url


@contextmanager
def _visitor(desk: Desk) -> Iterator[httpx.Client]:
    """Another browser, as far as the server can tell."""
    with httpx.Client(base_url=desk.address, trust_env=False, timeout=30) as client:
        yield client


def _to_callback(visitor: httpx.Client, begin: str) -> str:
    """Begin a sign-in and let the provider answer; the address that it sends the browser to."""
    at_provider = visitor.get(begin).headers["location"]
    return visitor.get(at_provider).headers["location"]


def _answer(visitor: httpx.Client, callback: str) -> str:
    """What a browser shows in the end."""
    return html.unescape(visitor.get(callback, follow_redirects=True).text)
