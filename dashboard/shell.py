"""Navigation and the frame of every page."""

from pathlib import Path

import streamlit as st

from config.errors import SettingsError
from dashboard import data, header, navigation, signin, states

_HERE = Path(__file__).parent

st.set_page_config(
    page_title="Countersign",
    page_icon=str(_HERE / "mark.svg"),
    layout="wide",
    initial_sidebar_state=240,
)
st.html(_HERE / "desk.css")
st.logo(str(_HERE / "wordmark.svg"), size="large", icon_image=str(_HERE / "mark.svg"))

try:
    data.settings().database.url("desk")
    signin.kind(data.settings())
except SettingsError as e:
    states.failing("The desk cannot be shown.", works=str(e), action="Run `./desk doctor`.")
    st.stop()

person = signin.person()
if person is None:
    signin.ask()
    st.stop()
st.session_state["person"] = person
page = navigation.pages()
st.set_page_config(page_title=f"{page.title} · Countersign")  # what a browser's tab says
navigation.elsewhere(person)
header.show(person)
st.session_state["previous-page"] = st.session_state.get("page")
st.session_state["page"] = page.url_path
page.run()
