"""Stand-in for the review service (BULI2) that records its requests and posts decisions."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devstack.servers.http import accepts_connections, request
from devstack.servers.sandbox import Sandbox
from devstack.servers.server import Server

_PROGRAM = Path(__file__).parent / "programs" / "reviews.py"


@dataclass(frozen=True, slots=True)
class ReceivedReview:
    """One request to open a review."""

    authorization: str | None
    body: dict[str, Any]
    #: The HTTP status that it was answered with.
    status: int


class Reviews(Server):
    """A review service that opens a ticket for every request. It forgets them when it ends."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox, "reviews")
        self.url = f"http://127.0.0.1:{self.port}"
        self.api_key = "local-review-key"

    def command(self) -> list[str]:
        """The stand-in, by its path: it needs nothing of this package."""
        return [sys.executable, "-I", "-S", str(_PROGRAM), str(self.port)]

    def answers(self) -> bool:
        """Whether it takes connections."""
        return accepts_connections(self.port)

    def received(self) -> list[ReceivedReview]:
        """Every request so far, oldest first; the same document may be there more than once."""
        return [ReceivedReview(**review) for review in self._ask("GET", "/received")]

    def forget(self) -> None:
        """Forget the requests, and answer with tickets again."""
        self._ask("DELETE", "/received")

    def answer_with(self, status: int, body: dict[str, Any] | None = None) -> None:
        """Answer every request with this HTTP status, and this body instead of a ticket, from now on."""
        self._ask("PUT", "/answer", {"status": status, "body": body})

    def decide(self, document_id: str, decision: str) -> int:
        """Post a reviewer's decision to the `callbackUrl` of a document's latest review.

        Returns:
            The HTTP status that the backend answered.

        Raises:
            LookupError: it got no review of this document with a `callbackUrl`.
        """
        answer = self._ask("PUT", "/decision", {"documentId": document_id, "decision": decision})
        if "status" not in answer:
            raise LookupError(document_id)
        return int(answer["status"])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        _, content = request(self.port, method, path, json.dumps(body).encode())
        return json.loads(content) if content else None
