"""An app closes everything that it opened."""

import threading
from http import HTTPStatus

import psutil
import pytest
from dramatiq import Worker

from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from service.errors import SettingsError
from service.reading.pages import close_decoders
from service.runtime.actors import declare_actors
from service.runtime.app import build_app, close_current_app, current_app
from service.settings import Settings, current_settings
from tests.integration.test_api import picture
from tests.support.fake_cuda import FakeCuda
from tests.support.health_port import ask
from tests.support.waiting import wait_until


def resources() -> dict[str, set[object]]:
    """The threads, child processes and internet sockets of this process."""
    process = psutil.Process()
    return {
        "threads": {(thread.ident, thread.name) for thread in threading.enumerate()},
        "children": {(child.pid, child.name()) for child in process.children()},
        "sockets": {
            (connection.fd, connection.laddr, connection.raddr)
            for connection in process.net_connections("inet")
        },
    }


def left_over(before: dict[str, set[object]]) -> dict[str, set[object]]:
    """What exists now and did not exist before."""
    return {kind: found - before[kind] for kind, found in resources().items() if found - before[kind]}


@pytest.mark.parametrize("on_gpu", [False, True])
def test_leaving_the_context_of_an_app_leaves_no_thread_process_or_connection(
    stack: FilotStack,
    environment: dict[str, str],
    backend: FilotBackend,
    cuda: FakeCuda,
    monkeypatch: pytest.MonkeyPatch,
    on_gpu: bool,
) -> None:
    port = stack.sandbox.reserve_port()
    changes = {
        "OCR_GPU_DRIVER": "onnx",
        "OCR_GPU_ENABLED": str(on_gpu).lower(),
        "OCR_GPU_HEALTH_PORT": str(port),
        "OCR_GPU_POLL_INTERVAL": "50",
    }
    for name, value in {**environment, **changes}.items():
        monkeypatch.setenv(name, value)
    document_id = backend.add_document(picture(), "KTP")
    # Decoders that an earlier test left idle would read the file.
    close_decoders()
    with backend.listen() as channel:
        # The backend's own connection beside the channel's: it stays.
        backend.redis.ping()
        before = resources()

        with build_app(Settings()) as app:
            declare_actors(app)
            worker = Worker(app.broker, worker_threads=3, worker_timeout=100)
            worker.start()
            backend.enqueue(document_id)
            channel.wait_for(1)
            # A review is requested over HTTP, and the status page opens threads of its own.
            wait_until(lambda: backend.row(document_id)["buli2_ticket_id"])
            status, _ = ask(port, "/status.json")
            during = left_over(before)
            worker.stop()

        # A thread that answered a request, and the kernel's closing of a socket, may take a moment.
        wait_until(lambda: not left_over(before))
        after = left_over(before)

    assert status == HTTPStatus.OK
    assert set(during) == {"threads", "children", "sockets"}
    assert after == {}


def test_an_app_that_never_ran_closes_what_it_opened(settings: Settings, backend: FilotBackend) -> None:
    backend.redis.ping()
    before = resources()

    with build_app(settings.model_copy(update={"driver": "onnx"})) as app, app.database.transaction():
        app.document_queue.queue_length()
        during = left_over(before)

    assert set(during) == {"sockets"}
    assert left_over(before) == {}


def test_a_part_that_cannot_be_built_closes_those_before_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr("service.store.database.Database.close", lambda self: closed.append("database"))
    changes = {"driver": "onnx", "r2_bucket": None}

    with pytest.raises(SettingsError, match="CF_R2_BUCKET_NAME"):
        build_app(settings.model_copy(update=changes)).__enter__()

    assert closed == ["database"]


def test_the_app_of_a_process_is_built_once_until_it_is_closed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_GPU_DRIVER", "onnx")
    current_settings.cache_clear()
    first = current_app()

    again = current_app()
    close_current_app()
    later = current_app()
    close_current_app()
    current_settings.cache_clear()

    assert again is first
    assert later is not first
