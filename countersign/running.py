"""The running desk, as commands need it."""

from config import settings as configuration
from config.settings import Settings
from countersign.errors import CommandError


def running() -> Settings:
    """Return the settings of the running desk.

    Raises
    ------
    CommandError
        If it does not run.
    """
    settings = configuration.load()
    if not settings.database.dsn:
        raise CommandError(f"The desk in {settings.home} does not run. Start it with ./desk up.")
    return settings
