"""A worker that dies or hangs is started again; the document that does it is found out."""

import os
import signal
from collections.abc import Callable
from http import HTTPStatus

import psutil

from devstack.backend import FilotBackend
from devstack.servers.worker import Worker
from tests.acceptance.test_main_job import small_picture
from tests.support.waiting import wait_until

WorkerStarter = Callable[..., Worker]


def processes(worker: Worker) -> dict[int, psutil.Process]:
    """The supervisor's descendants: Dramatiq's master, and the process that reads."""
    return {child.pid: child for child in psutil.Process(worker.pid).children(recursive=True)}


def wait_until_ready_again(worker: Worker, gone: int) -> None:
    wait_until(lambda: gone not in processes(worker) and worker.get("/ready") == HTTPStatus.OK)


def test_a_worker_that_dies_is_started_again(start_worker: WorkerStarter, backend: FilotBackend) -> None:
    worker = start_worker()
    (reader,) = [pid for pid, child in processes(worker).items() if not child.children()]
    os.kill(reader, signal.SIGKILL)
    wait_until_ready_again(worker, reader)
    document_id = backend.add_document(small_picture("BUDI"), "NPWP")

    with backend.listen() as channel:
        backend.enqueue(document_id)
        (result,) = channel.wait_for(1)
    worker.terminate()

    assert result["success"] is True
    assert worker.exit_code(timeout=60) == 0
    assert "worker_died" in worker.log.read_text()


def test_threads_of_the_process_that_reads_share_one_heap_unless_the_operator_says_otherwise(
    start_worker: WorkerStarter,
) -> None:
    shared, operators = start_worker(), start_worker(MALLOC_ARENA_MAX="4")

    heaps = [
        {child.environ()["MALLOC_ARENA_MAX"] for child in processes(worker).values()}
        for worker in (shared, operators)
    ]

    assert heaps == [{"1"}, {"4"}]
