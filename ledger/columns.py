"""Columns and rules that several of the desk's tables have."""

from decimal import Decimal

import sqlalchemy as sa


def one_of(column: str, values: tuple[str, ...], *, name: str) -> sa.CheckConstraint:
    """Return the rule that a column holds one of some words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=name)


def only_row() -> sa.Column[bool]:
    """Return a key that admits a single row."""
    return sa.Column("only_row", sa.Boolean, primary_key=True, server_default=sa.true())


def protection() -> tuple[sa.Column[Decimal], sa.Column[Decimal], sa.Column[str]]:
    """Return how an order trails the price, or is a stop and a target of which one closes."""
    return (
        sa.Column("trail_percent", sa.Numeric()),  # 5 is 5 %
        sa.Column("trail_price", sa.Numeric()),  # USD per share
        sa.Column("order_class", sa.Text),  # oco; null: what the attached prices make of it
    )
