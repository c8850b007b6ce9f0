"""`./desk seed`: land the sample's past in the lake."""

import typer

from adapters import object_store
from adapters.market_data import sample
from adapters.object_store import StoreError
from config import settings as configuration
from countersign.console import console
from countersign.errors import CommandError
from countersign.processes.tasks import ensure_buckets

app = typer.Typer(add_completion=False)


@app.command()
def seed() -> None:
    """Land the public-domain daily prices up to the replay's start; what is there stays."""
    settings = configuration.load()
    try:
        ensure_buckets(settings)
        store = object_store.from_settings(settings)
        store.check()
        with console.status("Landing …") as shown:
            landed = sample.seed(
                store,
                until=settings.venue.start,
                progress=lambda share, what: shown.update(f"Landing {share:.0%}  {what}"),
            )
    except StoreError as e:
        raise CommandError(str(e)) from e
    new = sum(landing.rows for landing in landed if landing.key)
    console.print(f"{new:,} rows landed in {store.name}, up to {settings.venue.start}.")
