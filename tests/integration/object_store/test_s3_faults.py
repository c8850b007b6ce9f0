"""What a store answers while it stops or fails is asked again for, then told."""

import pytest

from adapters.object_store.errors import StoreUnreachableError
from adapters.object_store.s3 import S3Store
from tests.integration.market_data.canned import Canned, Reply, served


def refusal(status: int, code: str) -> Reply:
    body = f"<Error><Code>{code}</Code><Message>Told so.</Message></Error>"
    return Reply(body.encode(), status, {"Content-Type": "application/xml"})


# MinIO's own code and status for a request whose context its stopping has cancelled.
STOPPING = refusal(499, "ClientDisconnected")
BUSY = refusal(503, "SlowDown")


def found(_path: str, _query: dict[str, str]) -> Reply:
    return Reply(b"bars", headers={"Content-Type": "application/octet-stream"})


def opened(server: Canned, *, attempts: int) -> S3Store:
    return S3Store(
        server.url.removeprefix("http://"), "lake",
        access_key="key", secret_key="secret", attempts=attempts,
    )  # fmt: skip


@pytest.mark.parametrize("answer", [STOPPING, BUSY], ids=["stopping", "busy"])
def test_an_answer_that_passes_is_asked_for_again(answer: Reply) -> None:
    with served(found) as server:
        server.planned = [answer]

        assert opened(server, attempts=1).get("a") == b"bars"


@pytest.mark.parametrize("answer", [STOPPING, BUSY], ids=["stopping", "busy"])
def test_a_store_that_goes_on_failing_is_told(answer: Reply) -> None:
    with served(found) as server:
        server.always = answer

        with pytest.raises(
            StoreUnreachableError,
            match=r"cannot be used: it answers with a server error\. .*ENDPOINT",
        ):
            opened(server, attempts=1).get("a")
        assert len(server.asked) == 2
