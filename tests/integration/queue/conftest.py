"""Queues on the test's Redis."""

from collections.abc import Callable

import pytest

from service.queue.document_queue import DocumentQueue, connect_redis
from service.settings import Settings


@pytest.fixture
def make_queue(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., DocumentQueue]:
    """A function that makes a queue with a connection of its own, with changed settings where wanted."""

    def make(**changes: str) -> DocumentQueue:
        for name, value in {**environment, **changes}.items():
            monkeypatch.setenv(name, value)
        settings = Settings()
        return DocumentQueue(connect_redis(settings), settings)

    return make


@pytest.fixture
def document_queue(settings: Settings) -> DocumentQueue:
    """A queue with the test's settings."""
    return DocumentQueue(connect_redis(settings), settings)
