"""The fault classes of the drill, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from countersign.errors import CommandError


@dataclass(frozen=True)
class FaultClass:
    """What goes wrong; `every` legs of a long drill bring one more of it, besides the first."""

    meaning: str
    every: int


FAULTS: Mapping[str, FaultClass] = MappingProxyType(
    {
        # The venue, when an order is sent to it.
        "late_accept": FaultClass("time-out first, the venue accepts after it", 15),
        "lost_reply": FaultClass("the venue accepts and closes the connection unanswered", 10),
        "error_before": FaultClass("503, nothing accepted", 12),
        "error_after": FaultClass("502 after the venue accepted", 10),
        "malformed": FaultClass("accepted, 200 with half a body", 10),
        "reset": FaultClass("accepted, connection reset in the middle of the body", 10),
        "slow": FaultClass("accepted, answered just before the time-out", 15),
        "rate_limit": FaultClass("429, nothing accepted", 15),
        "refused": FaultClass("403, the venue wants no such order", 25),
        # The venue, when it is asked or told anything else.
        "reads": FaultClass("a question stays unanswered, or gets half an answer", 6),
        "cancels": FaultClass("a cancel is answered by an error, or not at all", 15),
        "stream": FaultClass("trade updates come twice, late, out of order or never", 6),
        # Processes that die by kill -9.
        "kill_leased": FaultClass("a dispatcher dies holding a leg", 15),
        "kill_checked": FaultClass("a dispatcher dies before the intent is written", 15),
        "kill_intended": FaultClass("a dispatcher dies after the intent, before the send", 12),
        "kill_marked": FaultClass("a dispatcher dies as the first byte goes out", 12),
        "kill_sent": FaultClass("a dispatcher dies before it writes the acknowledgement", 12),
        "kill_acknowledged": FaultClass("a dispatcher dies between two legs", 15),
        "kill_random": FaultClass("any process of the desk dies at any moment", 10),
        "kill_signing": FaultClass("the signer dies in the commit of a signature", 25),
        "kill_venue": FaultClass("the venue dies and comes back", 40),
        # Ticks of the sensor.
        "ticks_lost": FaultClass("ticks and their cursor are lost", 15),
        "ticks_repeated": FaultClass("one tick starts three runs", 10),
        "two_dispatchers": FaultClass("two dispatchers run at the same instant", 8),
        # The database.
        "database_restart": FaultClass("the database is restarted", 40),
        "database_kill": FaultClass("every process of the database dies", 60),
        # Time.
        "clock_desk": FaultClass("a dispatcher's clock leaps ahead or back", 15),
        "clock_market": FaultClass("the market's clock leaps ahead", 30),
        # People.
        "race": FaultClass("two clicks and a veto at once", 20),
        "tampered": FaultClass("a stored leg is altered after its signature", 30),
        "expiry": FaultClass("a signature's time ends while it is sent", 20),
        "cancel": FaultClass("a person cancels while it may be filled", 12),
        "halt": FaultClass("the kill switch is pulled in the middle of sends", 30),
        # The broker.
        "stranger": FaultClass("an order appears that is not the desk's", 60),
        "split": FaultClass("a share is split overnight while orders are open", 10_000),
    }
)


def chosen(told: str) -> tuple[str, ...]:
    """Return the fault classes that `--faults` names, in the order of the list.

    Parameters
    ----------
    told : str
        ``all``, ``none``, or names with commas between.

    Raises
    ------
    CommandError
        If a name is none of them; it lists them.
    """
    if told.strip() == "all":
        return tuple(FAULTS)
    names = {name.strip() for name in told.split(",")} - {""}
    if names == {"none"}:
        return ()
    unknown = sorted(names - FAULTS.keys())
    if unknown or not names:
        said = ", ".join(unknown) if unknown else "nothing"
        raise CommandError(
            f"--faults must be all, none, or some of these with commas between, was {said}:\n"
            + "\n".join(f"  {name:<18} {kind.meaning}" for name, kind in FAULTS.items())
        )
    return tuple(name for name in FAULTS if name in names)
