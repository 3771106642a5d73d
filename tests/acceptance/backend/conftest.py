"""FiLot's backend in Node.js, with the backend's own libraries, and the worker that it meets."""

import json
import uuid
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from devstack.servers import FilotStack
from devstack.servers.http import accepts_connections, request
from devstack.servers.sandbox import Sandbox
from devstack.servers.server import Server
from devstack.servers.worker import Worker
from tests.support.schemas import faults
from tests.support.waiting import wait_until

FOLDER = Path(__file__).parent


class NodeBackend(Server):
    """The backend of `server.mjs`, by its HTTP routes."""

    def __init__(self, sandbox: Sandbox, environment: dict[str, str]) -> None:
        super().__init__(sandbox, f"node-backend-{uuid.uuid4().hex}")
        self.environment = environment
        self.callback_url = f"http://127.0.0.1:{self.port}/internal/reviews"

    def command(self) -> list[str]:
        return ["node", str(FOLDER / "server.mjs"), str(self.port)]

    def answers(self) -> bool:
        return accepts_connections(self.port)

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        """Return the status and the JSON of an answer."""
        status, content = request(self.port, method, path, body)
        return status, json.loads(content)

    def upload(self, content: bytes, document_type: str) -> str:
        status, document_id = self.ask("POST", f"/documents?type={document_type}&extension=jpg", content)
        assert status == HTTPStatus.CREATED, document_id
        return str(document_id)

    def process(self, document_id: str) -> bool:
        """Call the process route."""
        return bool(self.ask("POST", f"/documents/{document_id}/process")[1])

    def row(self, document_id: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/documents/{document_id}")[1])

    def results(self, count: int) -> list[dict[str, Any]]:
        """Wait for at least so many published results, and return all; each fits its schema."""
        wait_until(lambda: len(self.ask("GET", "/results")[1]) >= count)
        results = list(self.ask("GET", "/results")[1])
        assert [fault for result in results for fault in faults("result", result)] == []
        return results

    def decide(self, callback_url: str, decision: str) -> int:
        """Post a person's decision to the URL that the review service was given; return the status."""
        url = urlsplit(callback_url)
        assert url.port == self.port, callback_url
        return self.ask("POST", url.path, json.dumps({"decision": decision, "notes": "looked at"}).encode())[
            0
        ]


@pytest.fixture
def node(stack: FilotStack, environment: dict[str, str]) -> Iterator[NodeBackend]:
    """The backend, started; it ends with the test."""
    node = NodeBackend(stack.sandbox, environment)
    node.start()
    yield node
    node.stop()


@pytest.fixture
def start_claiming(node: NodeBackend, start_worker: Callable[..., Worker]) -> Callable[..., Worker]:
    """Start a worker that claims, and that sends decisions to the backend."""

    def start(**changes: str) -> Worker:
        settings = {"OCR_GPU_CLAIM_CPU_QUEUE": "true", "BULI2_CALLBACK_URL": node.callback_url, **changes}
        return start_worker(**settings)

    return start
