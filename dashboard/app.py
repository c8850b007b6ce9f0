"""The dashboard's server: `streamlit run dashboard/app.py`."""

import streamlit as st

from config import settings
from dashboard import oidc, states
from dashboard.routes import all_middleware, all_routes
from dashboard.warming import warm

app = st.App(
    "shell.py",
    secrets=oidc.for_streamlit(settings.load().dashboard),
    routes=all_routes(),
    middleware=all_middleware(),
    on_script_error=states.explain,
    lifespan=warm,
)
