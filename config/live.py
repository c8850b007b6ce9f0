"""What keeps a desk from trading real money by accident: every setting must say the same."""

from urllib.parse import urlsplit

from config.errors import DisagreementError

LIVE_HOST = "api.alpaca.markets"
PAPER_HOST = "paper-api.alpaca.markets"
# Alpaca's keys and account numbers say themselves what they are for.
LIVE_KEY, PAPER_KEY, PAPER_ACCOUNT = "AK", "PK", "PA"


def refuse_accidents(
    *, mode: str, url: str, stream_url: str, key_id: str, confirm_account: str
) -> None:
    """Refuse settings of which one alone leads to, or away from, the live account.

    Parameters
    ----------
    mode : str
        embedded, paper or live.
    url, stream_url : str
        Of the broker's trading API and its stream of trade updates.
    key_id : str
        The broker's key; the empty one of an embedded desk says nothing.
    confirm_account : str
        Number of the account that may be traded live; empty for none.

    Raises
    ------
    DisagreementError
        Naming the settings that disagree.
    """
    for key, address in (("broker.url", url), ("broker.stream_url", stream_url)):
        _refuse_address(mode, key, address)
    if mode == "live":
        _require_live(key_id, confirm_account)
        return
    if confirm_account:
        raise DisagreementError(
            f"`live.confirm_account` is {confirm_account}, but `mode` is {mode}: a live account is "
            "confirmed only together with COUNTERSIGN_MODE=live. Remove one or set the other.",
            "live.confirm_account",
            "mode",
        )
    if key_id.startswith(LIVE_KEY):
        raise DisagreementError(
            f"`mode` is {mode}, but the broker's key begins with {LIVE_KEY}: it is of a live "
            "account. Set COUNTERSIGN_BROKER__KEY_ID to a paper key.",
            "broker.key_id",
            "mode",
        )


def _refuse_address(mode: str, key: str, address: str) -> None:
    host = (urlsplit(address).hostname or "").rstrip(".")
    if (host == LIVE_HOST) != (mode == "live"):
        wanted = f"{LIVE_HOST} and no other" if mode == "live" else f"any but {LIVE_HOST}"
        raise DisagreementError(
            f"`mode` is {mode}, but `{key}` leads to {host or 'nowhere'}; wanted: {wanted}. "
            f"Remove `{key}`: it follows from the mode.",
            key,
            "mode",
        )


def _require_live(key_id: str, confirm_account: str) -> None:
    if not confirm_account:
        raise DisagreementError(
            "`mode` is live, and `live.confirm_account` is empty. Set "
            "COUNTERSIGN_LIVE__CONFIRM_ACCOUNT to the number of the account to trade.",
            "mode",
        )
    if confirm_account.startswith(PAPER_ACCOUNT):
        raise DisagreementError(
            f"`mode` is live, but `live.confirm_account` is {confirm_account}, a paper account. "
            "Set it to the number of the live account.",
            "live.confirm_account",
            "mode",
        )
    if key_id.startswith(PAPER_KEY):
        raise DisagreementError(
            f"`mode` is live, but the broker's key begins with {PAPER_KEY}: it is of a paper "
            "account. Set COUNTERSIGN_BROKER__KEY_ID to a live key.",
            "broker.key_id",
            "mode",
        )
