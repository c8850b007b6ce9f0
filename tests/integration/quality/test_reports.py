import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from quality import pages
from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.model import Judgement
from quality.suites import Report, record
from tests.unit.quality.market import index, planted, rows, splits

FIRST, LAST = date(2012, 6, 1), date(2012, 7, 3)
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
CHROMIUM = Path("/usr/bin/chromium")


def judged(frame: pl.DataFrame) -> Judgement:
    return judge_daily(
        frame, calendar=exchange(), actions=splits(), index=index(), expected=("AAPL", "IBM"),
        sessions=exchange().sessions(FIRST, LAST),
    )  # fmt: skip


@pytest.fixture(name="bad", scope="module")
def _bad() -> Judgement:
    aapl = planted(rows("AAPL", FIRST, LAST), LAST, close=pl.lit(59.94))
    return judged(pl.concat([aapl, rows("IBM", FIRST, LAST).head(-1)]))


@pytest.fixture(name="docs", scope="module")
def _docs(bad: Judgement, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    folder = tmp_path_factory.mktemp("docs")
    report = record(
        bad, suite="daily_bars", sessions=[FIRST, LAST], docs_dir=folder, run_id="r1",
        recorded_at=NOON,
    )  # fmt: skip
    return folder, report


def entries(folder: Path) -> list[dict[str, object]]:
    lines = (folder / "reports.js").read_text().splitlines()
    return [json.loads(re.search(r"push\((.*)\);$", line).group(1)) for line in lines]  # type: ignore[union-attr]  # each line is one push


def test_expectations_met_are_the_rules_without_a_finding(
    bad: Judgement, docs: tuple[Path, Report]
) -> None:
    _, report = docs

    assert report.expectations == bad.tally.height
    # 59.94 lies outside the bar and at a tenth of the close before; IBM's last bar is missing.
    assert set(bad.by_rule()) == {"prices_are_consistent", "unit_is_right", "bar_arrived"}
    assert report.passed == report.expectations - 3


def test_the_page_says_what_its_rules_and_the_checks_of_a_symbol_count(
    bad: Judgement, docs: tuple[Path, Report]
) -> None:
    folder, report = docs
    # The bar that never came has one check.
    asked = bad.verdicts.filter(pl.col("checks") > 1)["checks"].to_list()

    page = (folder / report.path).read_text()

    assert (
        f"{report.expectations - 3} of {report.expectations} rules were met by every row." in page
    )
    assert max(asked) < report.expectations
    assert (
        "The checks of a symbol are the rules that apply to its rows of a session: "
        f"{min(asked)} to {max(asked)}."
    ) in page


def test_the_page_carries_the_sentence_and_loads_nothing_from_outside(
    docs: tuple[Path, Report],
) -> None:
    folder, report = docs
    page = (folder / report.path).read_text()

    assert "It looks like a factor-of-ten error." in page
    for path in folder.rglob("*.html"):
        assert pages.outside_addresses(path.read_text()) == []
    for path in folder.rglob("*.css"):
        assert pages.outside_addresses(path.read_text()) == []


def test_every_asset_that_a_page_names_lies_beside_it(docs: tuple[Path, Report]) -> None:
    folder, report = docs
    for page in (folder / "index.html", folder / report.path):
        loaded = re.findall(r"<(?:script|link)\b[^>]*?(?:src|href)=\"([^\"]+)\"", page.read_text())
        named = [name for name in loaded if not name.startswith("data:")]
        assert named
        assert [name for name in named if not (page.parent / name).is_file()] == []


def test_recording_again_overwrites_its_own_page_and_leaves_the_others(
    bad: Judgement, tmp_path: Path
) -> None:
    clean = judged(pl.concat([rows(s, FIRST, LAST) for s in ("AAPL", "IBM")]))
    first = record(
        clean, suite="daily_bars", sessions=[FIRST], docs_dir=tmp_path, run_id="a", recorded_at=NOON
    )
    before = (tmp_path / first.path).stat()
    second = record(
        bad, suite="daily_bars", sessions=[LAST], docs_dir=tmp_path, run_id="b", recorded_at=NOON
    )
    again = record(
        bad, suite="daily_bars", sessions=[LAST], docs_dir=tmp_path, run_id="b", recorded_at=NOON
    )

    after = (tmp_path / first.path).stat()
    assert second == again
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    assert len(list((tmp_path / "validations").rglob("*.html"))) == 2
    assert [e["report_id"] for e in entries(tmp_path)] == [
        first.report_id, second.report_id, second.report_id,
    ]  # fmt: skip


def test_a_page_that_would_load_something_new_is_refused() -> None:
    with pytest.raises(pages.OutsideAddressError, match=r"elsewhere\.example"):
        pages.offline('<script src="https://elsewhere.example/x.js"></script>', root="")


def test_markup_in_a_symbol_stays_text(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>"
    frame = rows("IBM", FIRST, LAST).with_columns(
        pl.lit(name).alias("symbol"), pl.lit(0.0).alias("low")
    )
    judgement = judge_daily(frame, calendar=exchange())

    report = record(judgement, suite="daily_bars", sessions=[LAST], docs_dir=tmp_path, run_id="r")

    assert name not in (tmp_path / report.path).read_text()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed at /usr/bin/chromium")
def test_a_browser_asks_for_nothing_outside_and_sees_the_report(docs: tuple[Path, Report]) -> None:
    from playwright.sync_api import sync_playwright

    folder, report = docs
    asked: list[str] = []
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("requestfailed", lambda request: faults.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto((folder / "index.html").as_uri())
        page.get_by_role("link", name="2012-06-01 to 2012-07-03").click()
        heading = page.get_by_role("heading", level=1).inner_text()
        sentence = page.get_by_text("factor-of-ten error").first.is_visible()
        address = page.url
        browser.close()

    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert faults == []
    assert heading == "Daily bars, 1 Jun 2012 to 3 Jul 2012"
    assert sentence
    assert address.endswith(report.path)
