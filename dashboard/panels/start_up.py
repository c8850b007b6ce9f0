"""The steps of the desk's start, live while they last."""

import streamlit as st

from dashboard import data, formats
from ledger.steps import Step

_ICONS = {
    "waiting": ":gray[:material/radio_button_unchecked:]",
    "running": ":blue[:material/progress_activity:]",
    "done": ":green[:material/check_circle:]",
    "failed": ":red[:material/error:]",
}


def show() -> None:
    """The steps, until all are done; then nothing."""
    if any(step.state != "done" for step in data.start_up()):
        _live()


@st.fragment(run_every=1)
def _live() -> None:
    steps = data.start_up()
    done = sum(step.state == "done" for step in steps)
    if steps and done == len(steps):
        st.rerun()  # the rest of the page has something to show now
    failed = [step for step in steps if step.state == "failed"]
    with st.container(border=True):
        st.subheader("Starting the desk", anchor=False)
        st.progress(
            sum(_share(step) for step in steps) / max(1, len(steps)),
            text=f"{done} of {formats.counted(len(steps), 'step')} done",
        )
        for step in steps:
            st.markdown(_line(step))
        if failed:
            st.error(
                f"**{failed[0].name} failed.** The pages below show what there is already. "
                "Run `./desk doctor`, then `./desk up` again: what is done is not done twice.",
                icon=":material/error:",
            )


def _share(step: Step) -> float:
    return 1.0 if step.state == "done" else step.progress


def _line(step: Step) -> str:
    name = (
        f"**{formats.plain(step.name)}**" if step.state == "running" else (formats.plain(step.name))
    )
    parts = [f"{_ICONS[step.state]} {name}"]
    if step.state == "running" and step.progress > 0:
        parts.append(formats.percent(step.progress, decimals=0))
    if step.detail:
        parts.append(f":gray[{formats.plain(step.detail)}]")
    if step.state == "done" and step.started_at and step.finished_at:
        parts.append(f":gray[{formats.span(step.finished_at - step.started_at)}]")
    return " · ".join(parts)
