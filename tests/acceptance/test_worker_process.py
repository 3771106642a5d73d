"""The worker as an operator meets it: start, health, stop."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
import redis

from devstack.backend import QUEUE, FilotBackend
from devstack.servers import FilotStack
from devstack.servers.sandbox import open_sandbox
from devstack.servers.valkey import Valkey
from devstack.servers.worker import Worker
from service.runtime.supervisor import EXIT_CONFIGURATION
from tests.support.frozen import frozen
from tests.support.health_port import ask
from tests.support.ids import STRANGER

WorkerStarter = Callable[..., Worker]


def test_a_ready_worker_is_healthy(start_worker: WorkerStarter) -> None:
    worker = start_worker()

    assert worker.get("/health") == HTTPStatus.OK
    assert worker.get("/ready") == HTTPStatus.OK
    assert worker.get("/elsewhere") == HTTPStatus.NOT_FOUND


def test_a_worker_without_redis_is_alive_but_not_ready(
    start_worker: WorkerStarter, stack: FilotStack
) -> None:
    worker = start_worker()

    stack.valkey.kill()
    until_ready_says(worker, HTTPStatus.SERVICE_UNAVAILABLE)
    alive = worker.get("/health")
    stack.valkey.start()

    assert alive == HTTPStatus.OK
    until_ready_says(worker, HTTPStatus.OK)


def test_a_worker_whose_reviews_cannot_be_answered_says_so_at_its_start(start_worker: WorkerStarter) -> None:
    (line,) = start_worker().logged("review_without_callback")

    assert json.loads(line)["level"] == "warning"
    assert "BULI2_CALLBACK_URL" in line


def until_ready_says(worker: Worker, status: HTTPStatus) -> dict[str, Any]:
    """Ask until `/ready` answers so, each time without waiting for long; what it says then."""
    while True:
        code, body = ask(worker.port, "/ready")
        if code == status:
            return body


def test_a_server_that_hangs_is_named_by_ready_and_once_in_the_log(
    start_worker: WorkerStarter, stack: FilotStack
) -> None:
    worker = start_worker()

    with frozen(stack.postgres):
        said = until_ready_says(worker, HTTPStatus.SERVICE_UNAVAILABLE)
        (line,) = worker.logged("task_hangs")
    until_ready_says(worker, HTTPStatus.OK)
    worker.logged("tasks_go_on")

    assert said["problems"][0].startswith("PostgreSQL has not answered for ")
    assert "PostgreSQL has not answered for " in line
    assert "bring it back" in line
    assert "filot-ocr doctor" in line
    assert "maximum number of running instances" not in worker.log.read_text()


def test_the_log_says_at_the_start_which_engine_and_port(start_worker: WorkerStarter) -> None:
    worker = start_worker()

    (starts,), (ready,) = worker.logged("worker_starts"), worker.logged("worker_ready")

    said = json.loads(starts)
    assert (said["engine"], said["port"], said["jobs"]) == ("onnx", worker.port, 2)
    assert json.loads(ready)["device"] == "cpu"


def test_sigterm_lets_the_work_finish_and_exits_with_zero(
    start_worker: WorkerStarter, backend: FilotBackend, ktp: bytes
) -> None:
    documents = [backend.add_document(ktp) for _ in range(3)]
    worker = start_worker(OCR_GPU_CONCURRENCY="1")

    with backend.listen() as channel:
        for document_id in documents:
            backend.enqueue(document_id)
        channel.wait_for(1)
        worker.terminate()
        code = worker.exit_code(timeout=60)

    left = backend.redis.lrange(QUEUE, 0, -1)
    done = [d for d in documents if backend.row(d)["status"] == "completed"]
    assert code == 0
    assert done + left == documents
    assert backend.redis.keys("filot:ocr:gpu:worker:*") == []


def test_a_value_that_cannot_be_used_stops_the_start_with_one_line(environment: dict[str, str]) -> None:
    variables = {**os.environ, **environment, "OCR_GPU_CONCURRENCY": "two"}

    ended = subprocess.run(
        [sys.executable, "-m", "service", "worker"],
        check=False,
        env=variables,
        capture_output=True,
        text=True,
    )

    assert ended.returncode != 0
    (line,) = ended.stderr.strip().splitlines()
    assert "OCR_GPU_CONCURRENCY" in line
    assert "'two'" in line


@pytest.mark.parametrize(
    "command", [["service", "worker"], ["dramatiq", "service.worker", "--processes", "1", "--skip-logging"]]
)
def test_a_start_that_fails_is_lines_of_json(environment: dict[str, str], command: list[str]) -> None:
    variables = {**os.environ, **environment, "OCR_GPU_CONCURRENCY": "two", "OCR_GPU_HEALTH_PORT": "0"}

    ended = subprocess.run(
        [sys.executable, "-m", *command], check=False, env=variables, capture_output=True, text=True
    )

    lines = [line for line in ended.stderr.splitlines() if not line.startswith("Worker with PID")]
    (said,) = (json.loads(line) for line in lines)
    assert (said["event"], said["level"]) == ("worker_cannot_start", "critical")
    assert "OCR_GPU_CONCURRENCY" in said["reason"]


def test_a_missing_tesseract_stops_the_start_with_what_to_install(environment: dict[str, str]) -> None:
    variables = {**os.environ, **environment, "OCR_GPU_DRIVER": "tesseract", "PATH": ""}

    ended = subprocess.run(
        [sys.executable, "-m", "service", "worker"],
        check=False,
        env=variables,
        capture_output=True,
        text=True,
    )

    assert ended.returncode != 0
    assert "apt-get install tesseract-ocr" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_redis_that_turns_out_to_be_a_cluster_ends_the_worker_for_good(start_worker: WorkerStarter) -> None:
    with open_sandbox() as sandbox:
        cluster = Valkey(sandbox, cluster=True)
        worker = start_worker(ready=False, REDIS_URL=cluster.url)
        worker.logged("redis_away")

        cluster.start()
        with redis.Redis.from_url(cluster.url) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        code = worker.exit_code(timeout=60)

    assert code == EXIT_CONFIGURATION
    (said,) = (line for line in worker.log.read_text().splitlines() if "cluster mode" in line)
    assert json.loads(said)["event"] == "redis_away"


@pytest.mark.parametrize("value", ["true", "false"])
def test_without_a_gpu_the_log_says_why_in_one_line(start_worker: WorkerStarter, value: str) -> None:
    worker = start_worker(OCR_GPU_ENABLED=value)

    (line,) = worker.logged("gpu_not_in_use")
    assert '"reason": "' in line


def test_without_a_gpu_and_without_fallback_nothing_is_taken(
    start_worker: WorkerStarter, backend: FilotBackend
) -> None:
    backend.push("card")

    worker = start_worker(ready=False, OCR_GPU_ENABLED="true", OCR_GPU_AUTOFALLBACK="false")
    worker.logged("gpu_not_in_use")

    assert ask(worker.port, "/ready")[0] == HTTPStatus.SERVICE_UNAVAILABLE
    assert ask(worker.port, "/health")[0] == HTTPStatus.OK
    assert backend.redis.lrange(QUEUE, 0, -1) == ["card"]


def test_dramatiqs_own_command_runs_the_same_worker(
    stack: FilotStack, environment: dict[str, str], backend: FilotBackend
) -> None:
    class PlainDramatiq(Worker):
        def command(self) -> list[str]:
            return [sys.executable, "-m", "dramatiq", "service.worker"]

    worker = PlainDramatiq(stack.sandbox, {**environment, "OCR_GPU_DRIVER": "onnx"}, name="plain-dramatiq")
    worker.start()

    with backend.listen() as channel:
        backend.push(STRANGER)
        (result,) = channel.wait_for(1)
    worker.stop()

    assert result["success"] is False
