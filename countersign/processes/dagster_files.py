"""Dagster's instance and workspace files of one desk."""

import shutil

from config.build import REPOSITORY
from config.settings import Settings
from countersign.processes.homes import Home
from countersign.processes.plan import LOCATION
from countersign.processes.ports import LOOPBACK


def write(settings: Settings, home: Home) -> None:
    """Put dagster.yaml and workspace.yaml into the desk's home."""
    shutil.copyfile(REPOSITORY / "dagster.yaml", home.dagster / "dagster.yaml")
    home.workspace.write_text(
        "# Written by ./desk up: the code server that runs now.\n"
        "load_from:\n"
        "  - grpc_server:\n"
        f"      host: {LOOPBACK}\n"
        f"      port: {settings.dagster.code_port}\n"
        f"      location_name: {LOCATION}\n",
        encoding="utf-8",
    )
