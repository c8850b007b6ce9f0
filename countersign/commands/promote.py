"""`./desk promote`: make a model champion, or go back to the one before."""

import datetime as dt
from typing import Annotated, Literal

import sqlalchemy as sa
import typer

import ledger
from adapters.mlflow.registry import MlflowRegistry
from assets import promotion
from assets.desk_time import market_now
from assets.standing import standing_now
from config.settings import Settings
from countersign.console import console
from countersign.errors import CommandError
from countersign.running import running
from countersign.signing import STDIN_HELP, signatory
from ledger import audit, people, waivers
from quant.gates import Candidacy
from trading.errors import DeskError
from warehouse import Warehouse, pages, place

app = typer.Typer(add_completion=False)

_ENVIRONMENTS: dict[str, Literal["replay", "paper", "live"]] = {
    "embedded": "replay",
    "paper": "paper",
    "live": "live",
}


@app.command()
def promote(
    model: Annotated[
        str, typer.Argument(help="The version, as in sample-daily/3; its name with --back.")
    ],
    *,
    by: Annotated[
        str, typer.Option(help="Login of the signatory who types this and answers for it.")
    ],
    reason: Annotated[str, typer.Option(help="Why; kept with the version and in the audit log.")],
    back: Annotated[
        bool, typer.Option("--back", help="Make the champion before this one champion again.")
    ] = False,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help=STDIN_HELP)] = False,
) -> None:
    """Make a model champion if it meets every gate; say every figure that it misses."""
    settings = running()
    engine = ledger.engine(settings.database.url("desk"), pool_size=1)
    stored = Warehouse(place.from_settings(settings))
    try:
        with engine.begin() as conn:
            signer = signatory(conn, by, password_stdin=password_stdin)
        told = changed(settings, engine, stored, model, signer, reason=reason, back=back)
    except (DeskError, ValueError) as e:
        raise CommandError(str(e)) from e
    finally:
        stored.close()
        engine.dispose()
    console.print(told, markup=False)


def changed(
    settings: Settings,
    engine: sa.Engine,
    stored: Warehouse,
    model: str,
    signer: people.Person,
    *,
    reason: str,
    back: bool,
) -> str:
    """Change who is champion, signed by somebody known; return the sentence that says so."""
    registry = MlflowRegistry(settings.mlflow.tracking_uri)
    at = market_now(engine)
    with engine.begin() as conn:
        let_pass = waivers.granted(conn, model)
    if back:
        model = promotion.roll_back(stored, registry, model, by=signer.login, reason=reason, at=at)
    else:
        candidacy = Candidacy(
            model_version=model,
            signer=signer.login,
            trainer=registry.trainer(model),
            reason=reason,
            environment=_ENVIRONMENTS[settings.mode],
            asked_at=at,
        )
        promotion.promote(stored, registry, candidacy, let_pass)
    with engine.begin() as conn:
        audit.append(
            conn,
            at=dt.datetime.now(dt.UTC),
            actor=signer.person_id,
            action="model.rolled_back" if back else "model.promoted",
            subject=model,
            payload={"reason": reason},
        )
    told = f"{model} is champion{' again' if back else ''}, signed by {signer.display_name}."
    return f"{told} {_reservation(settings, stored, model, at)}".strip()


def _reservation(settings: Settings, stored: Warehouse, model: str, at: dt.datetime) -> str:
    """Say why a champion counts as a challenger; empty where it does not."""
    with stored.reader() as conn:
        version = pages.version(conn, model_version=model).row(0, named=True)
        return standing_now(conn, version, settings, at=at).reason
