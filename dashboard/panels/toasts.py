"""A word in the corner about each alert that came while this window was open."""

import streamlit as st

from dashboard import data, formats

_SEEN = "alerts-told"
_ICONS = {
    "note": ":material/info:",
    "warning": ":material/warning:",
    "critical": ":material/error:",
}
_MOST = 3  # at once: a storm is told by the count in the header


def show() -> None:
    """Tell what is new since the last look; what was open before the window was is not new."""
    found = data.alerts()
    known = st.session_state.get(_SEEN)
    st.session_state[_SEEN] = {alert.alert_id for alert in found} | (known or set())
    if known is None:
        return
    for alert in [one for one in found if one.alert_id not in known][:_MOST]:
        st.toast(
            f"{formats.plain(alert.message)} [See alerts](/alerts)", icon=_ICONS[alert.severity]
        )
