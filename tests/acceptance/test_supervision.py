"""A worker that dies or hangs is started again; the document that does it is found out."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path

import psutil

from devstack.backend import PROCESSING, FilotBackend
from devstack.servers import FilotStack
from devstack.servers.http import request
from devstack.servers.worker import Worker
from tests.acceptance.test_main_job import job_keys, small_picture, wait_until_settled
from tests.support.frozen import frozen
from tests.support.waiting import wait_until

WorkerStarter = Callable[..., Worker]


def processes(worker: Worker) -> dict[int, psutil.Process]:
    """The supervisor's descendants: Dramatiq's master, and the process that reads."""
    return {child.pid: child for child in psutil.Process(worker.pid).children(recursive=True)}


def is_reader(process: psutil.Process) -> bool:
    """Whether this is the process that reads: a fork of Dramatiq's master, with the same command line."""
    parent = process.parent()
    return parent is not None and process.cmdline() == parent.cmdline()


def reading_process(worker: Worker) -> psutil.Process:
    """The one process of a worker that reads documents."""
    (reader,) = [child for child in processes(worker).values() if is_reader(child)]
    return reader


def wait_until_ready_again(worker: Worker, gone: int) -> None:
    wait_until(lambda: gone not in processes(worker) and worker.get("/ready") == HTTPStatus.OK)


def test_a_worker_that_dies_is_started_again(start_worker: WorkerStarter, backend: FilotBackend) -> None:
    worker = start_worker()
    reader = reading_process(worker)
    reader.kill()
    wait_until_ready_again(worker, reader.pid)
    document_id = backend.add_document(small_picture("BUDI"), "NPWP")

    with backend.listen() as channel:
        backend.enqueue(document_id)
        (result,) = channel.wait_for(1)
    worker.terminate()

    assert result["success"] is True
    assert worker.exit_code(timeout=60) == 0
    assert "worker_died" in {json.loads(line).get("event") for line in worker.log.read_text().splitlines()}


def test_no_orphan_is_left_when_dramatiqs_master_is_killed(
    start_worker: WorkerStarter, backend: FilotBackend
) -> None:
    worker = start_worker()
    reader = reading_process(worker)
    master = reader.parent()
    assert master is not None

    master.kill()
    wait_until_ready_again(worker, reader.pid)
    readers = [child for child in processes(worker).values() if is_reader(child)]
    with backend.listen() as channel:
        backend.enqueue(backend.add_document(small_picture("BUDI"), "NPWP"))
        (result,) = channel.wait_for(1)
    worker.terminate()

    assert not reader.is_running()
    assert len(readers) == 1
    assert result["success"] is True
    assert worker.exit_code(timeout=60) == 0


def test_no_orphan_is_left_when_the_supervisor_is_killed(start_worker: WorkerStarter) -> None:
    worker = start_worker()
    descendants = list(processes(worker).values())

    os.kill(worker.pid, signal.SIGKILL)

    psutil.wait_procs(descendants)
    assert len(descendants) >= 2
    assert not any(process.is_running() for process in descendants)


def test_no_process_that_knows_a_password_leaves_a_core_dump(start_worker: WorkerStarter) -> None:
    worker = start_worker()
    reader = reading_process(worker)
    master = reader.parent()
    assert master is not None

    ours = {worker.pid, master.pid, reader.pid}
    limits = {psutil.Process(pid).rlimit(psutil.RLIMIT_CORE) for pid in ours}
    # Of a process that can be dumped, the kernel gives this file to the process's own user, here to nobody.
    dumpable = {pid for pid in ours if Path(f"/proc/{pid}/environ").stat().st_uid != 0}

    assert limits == {(0, 0)}
    assert dumpable == set()


def test_temporary_files_are_gone_after_a_process_was_killed(
    start_worker: WorkerStarter, backend: FilotBackend, tmp_path: Path
) -> None:
    worker = start_worker(TMPDIR=str(tmp_path))
    (folder,) = tmp_path.iterdir()
    picture = folder / "tess_1234.ppm"
    picture.touch()
    reader = reading_process(worker)

    reader.kill()
    wait_until_ready_again(worker, reader.pid)
    left = list(folder.iterdir())
    worker.terminate()

    assert left == []
    assert worker.exit_code(timeout=60) == 0
    assert list(tmp_path.iterdir()) == []


def test_an_outage_longer_than_the_time_limit_of_a_job_costs_no_attempt(
    start_worker: WorkerStarter, backend: FilotBackend, stack: FilotStack
) -> None:
    limit = 5.0
    worker = start_worker(OCR_GPU_JOB_TIMEOUT=str(round(limit * 1000)))
    document_id = backend.add_document(small_picture("BUDI"), "NPWP")

    with ExitStack() as outage:
        with frozen(stack.storage):
            backend.enqueue(document_id)
            wait_until(lambda: backend.redis.scard(PROCESSING))
            outage.enter_context(frozen(stack.valkey))
        # The document is read and stored; its job cannot be finished.
        wait_until(lambda: oldest_job(worker) >= 2 * limit or "worker_died" in worker.log.read_text())
        health = worker.get("/health")
        status = backend.row(document_id)["status"]
    wait_until_settled(backend)
    worker.terminate()

    assert worker.exit_code(timeout=60) == 0
    log = worker.log.read_text()
    assert "job_hung" not in log
    assert "worker_died" not in log
    assert log.count('"document_read"') == 1
    assert (health, status) == (HTTPStatus.OK, "completed")
    assert job_keys(backend) == []


def oldest_job(worker: Worker) -> float:
    """s since the oldest active job was fetched, as the worker's metrics say; 0 while it does not answer."""
    try:
        _, page = request(worker.port, "GET", "/metrics")
    except OSError:
        return 0.0
    (line,) = [
        line for line in page.decode().splitlines() if line.startswith("filot_ocr_oldest_job_seconds ")
    ]
    return float(line.split()[1])
