"""The dashboard's server: `streamlit run dashboard/app.py`."""

import streamlit as st

from dashboard import states
from dashboard.routes import all_middleware, all_routes
from dashboard.warming import warm

app = st.App(
    "shell.py",
    routes=all_routes(),
    middleware=all_middleware(),
    on_script_error=states.explain,
    lifespan=warm,
)
