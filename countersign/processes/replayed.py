"""The day that the replay begins with."""

from bisect import bisect_left

from config.settings import Settings, SettingsError
from quality.calendar import exchange


def require_session(told: Settings) -> None:
    """Refuse to begin the replay on a day without trading.

    Raises
    ------
    SettingsError
        Naming the nearest sessions; nothing where a real broker tells the time.
    """
    start, calendar = told.venue.start, exchange()
    if told.broker.kind != "venue" or calendar.is_session(start):
        return
    at = bisect_left(calendar.days, start)
    nearest = " or ".join(str(day) for day in calendar.days[max(at - 1, 0) : at + 1])
    raise SettingsError(
        f"`venue.start` is {start}, a {start:%A} on which the exchange does not trade; the replay "
        f"begins with a session. Set COUNTERSIGN_VENUE__START, or `start` under [venue] in "
        f"desk.toml, to {nearest}.",
        key="venue.start",
    )
