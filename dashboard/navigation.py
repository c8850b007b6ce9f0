"""The pages in their order, and links to the desk's other screens."""

from typing import Any

import streamlit as st

from dashboard import data, signin
from ledger.people import Person

_SECTIONS: dict[str, list[tuple[str, str, str]]] = {
    "Desk": [
        ("today", "Today", "today"),
        ("approvals", "Approvals", "edit_square"),
        ("orders", "Orders", "swap_horiz"),
        ("portfolio", "Portfolio", "account_balance_wallet"),
        ("performance", "Performance", "leaderboard"),
    ],
    "Research": [("predictions", "Predictions", "insights")],
    "Safety": [
        ("risk", "Risk", "shield"),
        ("alerts", "Alerts", "notifications"),
        ("judgement", "Judgement", "gavel"),
        ("data_quality", "Data quality", "fact_check"),
    ],
}
_HIDDEN = [
    ("proposal", "Proposal", "description"),
    ("day_report", "End of day", "summarize"),
    ("replay_end", "End of the replay", "flag"),
]


def pages() -> Any:
    """Register the pages and return the one asked for."""
    sections = {
        name: [_page(*entry, visibility="visible") for entry in entries]
        for name, entries in _SECTIONS.items()
    }
    sections["Desk"] += [_page(*entry, visibility="hidden") for entry in _HIDDEN]
    return st.navigation(sections, expanded=True)


def elsewhere(person: Person) -> None:
    """Links to the desk's other screens, and the way out."""
    settings = data.settings()
    with st.sidebar:
        st.caption("Elsewhere")
        st.page_link(
            f"http://127.0.0.1:{settings.dagster.port}",
            label="Dagster: lineage and runs",
            icon=":material/account_tree:",
        )
        st.page_link(
            settings.mlflow.tracking_uri, label="MLflow: models", icon=":material/science:"
        )
        if signin.kind(settings) == "os" and person.origin == "os":
            other = signin.link(":material/switch_account: Sign in as someone else", "/sign-in")
        else:
            other = signin.link(":material/logout: Sign out", "/sign-out")
        st.markdown(other, unsafe_allow_html=True)


def report(page: str) -> str:
    """The address of a page of the quality reports."""
    return "/data-docs/" + page.removeprefix("/data-docs/").lstrip("/")


def path(name: str) -> str:
    """The file of a page, for links."""
    return f"views/{name}.py"


def _page(name: str, title: str, icon: str, *, visibility: Any) -> Any:
    return st.Page(
        path(name),
        title=title,
        icon=f":material/{icon}:",
        url_path=name.replace("_", "-"),
        default=name == "today",
        visibility=visibility,
    )
