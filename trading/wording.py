"""Figures as the desk's sentences write them."""

from decimal import ROUND_HALF_EVEN, Decimal


def percent(share: Decimal, *, decimals: int = 1) -> str:
    """Return a fraction as ``6.0 %``, with a true minus."""
    return f"{_rounded(share * 100, decimals)} %".replace("-", "−")


def signed_percent(share: Decimal, *, decimals: int = 2) -> str:
    """Return a change as ``+0.61 %`` or ``−0.19 %``."""
    text = percent(share, decimals=decimals)
    return text if text.startswith("−") else f"+{text}"


def money(amount: Decimal) -> str:
    """Return an amount as ``4,898.25 USD``; whole dollars from 100,000."""
    decimals = 0 if abs(amount) >= 100_000 else 2
    return f"{_rounded(amount, decimals)} USD".replace("-", "−")


def price(amount: Decimal) -> str:
    """Return a price as ``195.93``, with four places below a dollar."""
    return _rounded(amount, 2 if abs(amount) >= 1 else 4)


def shares(quantity: Decimal) -> str:
    """Return a quantity as ``25`` or ``0.5``, without trailing zeros."""
    text = f"{quantity:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rounded(value: Decimal, decimals: int) -> str:
    exact = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    exact = exact if exact else abs(exact)  # no minus before what rounds to nothing
    return f"{exact:,f}"
