"""Routing: to the GPU list or to the backend's CPU pipeline."""

from collections.abc import Callable, Iterator

import pytest

from devstack.backend import QUEUE, FilotBackend
from service.queue.document_queue import CPU_PROCESSING_KEY, CPU_QUEUE_KEY, DocumentQueue
from service.queue.routing import route_document
from service.settings import current_settings
from tests.support.ids import CARD


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    current_settings.cache_clear()
    yield
    current_settings.cache_clear()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"OCR_GPU_ENABLED": "false"}, CPU_QUEUE_KEY),
        ({"OCR_GPU_ENABLED": "true"}, QUEUE),
        ({"OCR_GPU_ENABLED": "false", "OCR_GPU_CLAIM_CPU_QUEUE": "true"}, QUEUE),
    ],
)
def test_a_document_is_enqueued_once_where_it_will_be_read(
    make_queue: Callable[..., DocumentQueue], backend: FilotBackend, changes: dict[str, str], key: str
) -> None:
    document_queue = make_queue(**changes)

    answers = [route_document(document_queue, CARD), route_document(document_queue, CARD)]

    assert answers == [True, False]
    assert backend.redis.lrange(key, 0, -1) == [CARD]


def test_a_document_that_the_cpu_pipeline_works_on_is_not_routed_there(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.redis.sadd(CPU_PROCESSING_KEY, CARD)

    assert route_document(document_queue, CARD) is False
    assert backend.redis.llen(CPU_QUEUE_KEY) == 0
