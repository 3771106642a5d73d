"""The health port says 503 when the worker itself makes no progress, whatever the reason."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection

import pytest
from structlog.testing import capture_logs

from devstack.backend import QUEUE, FilotBackend
from devstack.servers import FilotStack
from service.monitoring import http_server
from service.monitoring.health import HUNG_AFTER, Health
from service.monitoring.http_server import MAX_CONNECTIONS
from service.monitoring.poller import Poller
from service.queue.active_jobs import ActiveJobs
from service.queue.broker import DocumentConsumer
from service.queue.document_queue import DocumentQueue, connect_redis
from service.reading.ocr.devices import Devices
from service.settings import Settings
from service.store.database import Database
from service.telemetry.stages import timed
from tests.support.health_port import ask
from tests.support.ids import CARD


@pytest.fixture
def health(stack: FilotStack, settings: Settings, database: Database) -> Iterator[Health]:
    settings = settings.model_copy(update={"driver": "onnx"})
    client = connect_redis(settings)
    active_jobs = ActiveJobs(DocumentQueue(client, settings), limit=2)
    devices = Devices(settings)
    devices.probe()
    poller = Poller(client, database, settings)
    for task in poller.tasks():
        task()
    port = stack.sandbox.reserve_port()
    health = Health(port, active_jobs, devices, poller, settings.job_timeout)
    health.start()
    yield health
    health.stop()
    active_jobs.close()


def test_a_worker_that_polls_the_queue_is_healthy(health: Health) -> None:
    answer = ask(health.port, "/health")

    assert answer == (HTTPStatus.OK, {"status": "ok", "problems": []})


def test_a_worker_that_no_longer_polls_is_failing_although_its_process_answers(
    health: Health, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "waiting")
    health.active_jobs.last_look -= HUNG_AFTER + 1

    status, body = ask(health.port, "/health")

    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    (problem,) = body["problems"]
    assert problem.startswith("the queue has not been polled for ")


def test_a_document_that_is_read_for_too_long_makes_the_worker_failing(health: Health) -> None:
    health.job_timeout = 0.0
    with timed("ocr"):
        status, body = ask(health.port, "/health")

    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "a document has been read for" in body["problems"][0]


def test_a_job_that_waits_for_a_server_is_no_reason_to_restart(health: Health, backend: FilotBackend) -> None:
    backend.redis.rpush(QUEUE, CARD)
    job = health.active_jobs.document_queue.fetch("token")
    assert job is not None
    health.active_jobs.add(job)
    health.job_timeout = 0.0
    with timed("download"):
        status, _ = ask(health.port, "/health")

    assert status == HTTPStatus.OK


def test_a_pause_is_no_reason_to_restart_but_makes_the_worker_unready(health: Health) -> None:
    health.active_jobs.pause("gpu", "no GPU, and none else may read")

    alive, ready = ask(health.port, "/health"), ask(health.port, "/ready")

    assert alive[0] == HTTPStatus.OK
    assert ready == (
        HTTPStatus.SERVICE_UNAVAILABLE,
        {
            "status": "failing",
            "problems": ["no GPU, and none else may read"],
            "gpu": "OCR_GPU_ENABLED is false",
        },
    )


def test_an_outage_of_redis_is_no_reason_to_restart_however_long_it_lasts(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        **environment,
        "OCR_GPU_DRIVER": "onnx",
        "OCR_GPU_POLL_INTERVAL": "50",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    devices, client = Devices(settings), connect_redis(settings)
    devices.probe()
    active_jobs = ActiveJobs(DocumentQueue(client, settings), limit=2)
    poller = Poller(client, Database("postgresql://127.0.0.1:1/none", 1), settings)
    health = Health(0, active_jobs, devices, poller, settings.job_timeout)
    active_jobs.last_look -= HUNG_AFTER + 1

    taken = next(DocumentConsumer(active_jobs.document_queue, active_jobs, settings))

    assert taken is None
    assert health.alive() == []


def test_an_outage_of_redis_is_logged_once_and_with_growing_pauses(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, stack: FilotStack
) -> None:
    for name, value in {**environment, "OCR_GPU_POLL_INTERVAL": "50"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    document_queue = DocumentQueue(connect_redis(settings), settings)
    consumer = DocumentConsumer(document_queue, ActiveJobs(document_queue, limit=2), settings)
    next(consumer)
    stack.valkey.kill()

    with capture_logs() as lines:
        for _ in range(5):
            next(consumer)
        stack.valkey.start()
        while not [line for line in lines if line["event"] == "redis_back"]:
            next(consumer)

    assert [line["event"] for line in lines] == ["redis_away", "redis_back"]


@pytest.mark.parametrize("path", ["/health", "/ready", "/nowhere"])
def test_head_answers_as_get_without_content(health: Health, path: str) -> None:
    ask(health.port, "/health")
    connection = HTTPConnection("127.0.0.1", health.port, timeout=60)
    with closing(connection):
        connection.request("HEAD", path)
        head = connection.getresponse()
        content = head.read()
    with closing(connection):
        connection.request("GET", path)
        get = connection.getresponse()
        length = len(get.read())

    assert (head.status, content) == (get.status, b"")
    assert int(head.headers["Content-Length"]) == length > 0


@pytest.mark.parametrize("method", ["POST", "DELETE", "BREW"])
def test_other_methods_are_refused_in_the_pages_own_way(health: Health, method: str) -> None:
    ask(health.port, "/health")
    with closing(HTTPConnection("127.0.0.1", health.port, timeout=60)) as connection:
        connection.request(method, "/health", body=b"stop")
        answer = connection.getresponse()
        content = json.load(answer)

    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert content == {"status": "method not allowed"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_no_request_is_refused_in_the_pages_own_way(health: Health) -> None:
    ask(health.port, "/health")
    with socket.create_connection(("127.0.0.1", health.port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/9.9\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))

    assert json.loads(answer) == {"status": "http version not supported"}


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")
def test_ipv6_and_ipv4_reach_the_same_port(health: Health) -> None:
    over_ipv4 = ask(health.port, "/health")
    connection = HTTPConnection("::1", health.port, timeout=60)
    with closing(connection):
        connection.request("GET", "/health")
        over_ipv6 = connection.getresponse()

        assert (over_ipv6.status, json.load(over_ipv6)) == over_ipv4


def test_clients_that_never_finish_their_request_keep_nobody_out(health: Health) -> None:
    ask(health.port, "/health")
    slow = [socket.create_connection(("127.0.0.1", health.port), 60) for _ in range(3 * MAX_CONNECTIONS)]
    with ExitStack() as stack:
        for each in slow:
            stack.callback(each.close)
            # A client that was dropped may notice when it sends.
            with suppress(OSError):
                each.sendall(b"GET /health HTTP/1.0\r\n")

        answers = [ask(health.port, "/health")[0] for _ in range(5)]
        server = health._server
        assert server is not None
        open_at_once = len(server._open)
        dropped = sum(is_closed(each) for each in slow[:MAX_CONNECTIONS])

    assert answers == [HTTPStatus.OK] * 5
    assert open_at_once <= MAX_CONNECTIONS
    assert dropped == MAX_CONNECTIONS


def test_a_request_that_arrives_byte_by_byte_has_one_deadline(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "REQUEST_TIMEOUT", 0.5)
    ask(health.port, "/health")

    with socket.create_connection(("127.0.0.1", health.port), 60) as slow:
        slow.settimeout(0.05)
        ended = False
        while not ended:
            # Each byte comes well within the limit; all of them never do.
            try:
                slow.sendall(b"G")
                ended = slow.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True

    assert ask(health.port, "/health")[0] == HTTPStatus.OK


def is_closed(connection: socket.socket) -> bool:
    """Whether the server closed a connection; waits for that."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
