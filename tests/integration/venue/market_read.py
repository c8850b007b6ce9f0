"""Imported by the process that venues are copied from: what each of them would read anew."""

from venue.__main__ import main
from venue.sample import sample
from venue.sessions import exchange_calendar

__all__ = ["main"]

sample()
exchange_calendar()
