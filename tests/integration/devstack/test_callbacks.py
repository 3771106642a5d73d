"""The backend's route for decisions, as the development servers have it."""

import httpx
import pytest

from devstack.backend import FilotBackend
from devstack.callbacks import serve_callbacks
from tests.support.ids import STRANGER


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        (f"/{STRANGER}/callback", b"not JSON", 400),
        (f"/{STRANGER}/callback", b"[]", 400),
        (f"/{STRANGER}/callback", b'{"decision": "perhaps"}', 400),
        (f"/{STRANGER}/callback", b'{"decision": {}}', 400),
        (f"/{STRANGER}/callback", b'{"decision": "approved"}', 404),
        ("", b'{"decision": "approved"}', 404),
    ],
)
def test_a_request_that_makes_no_sense_is_answered_with_a_sentence(
    path: str, content: bytes, status: int, backend: FilotBackend
) -> None:
    with serve_callbacks(backend) as url:
        answer = httpx.post(url + path, content=content)

    assert answer.status_code == status
    assert " " in answer.json()["error"]
