"""`filot-ocr temporal` beside a real worker, driven by workflows on Temporal's own development server."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from devstack.backend import PROCESSING, QUEUE, FilotBackend
from devstack.servers import FilotStack
from devstack.servers.server import Server
from devstack.servers.worker import Worker
from tests.support.waiting import wait_until

pytest.importorskip("temporalio")
# They need the packages that `make test-temporal` installs.
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker import Worker as WorkflowWorker

pytestmark = pytest.mark.timeout(300)

WORKFLOWS = "workflows-of-the-backend"


@workflow.defn
class ReadCard:
    """What the backend's workflow does, as docs/integration.md shows it in TypeScript."""

    @workflow.run
    async def run(self, document_id: str) -> dict[str, Any]:
        result: dict[str, Any] = await workflow.execute_activity(
            "processDocumentGPU",
            document_id,
            task_queue="filot-ocr",
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=10),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), backoff_coefficient=1.0),
        )
        return result


class Temporal(Server):
    """Temporal's development server."""

    def command(self) -> list[str]:
        program = shutil.which("temporal")
        assert program is not None, "temporal not on PATH: make test-temporal"
        return [
            program,
            "server",
            "start-dev",
            "--headless",
            "--port",
            str(self.port),
            "--log-level",
            "error",
        ]

    def answers(self) -> bool:
        return asyncio.run(_answers(self.port))


async def _answers(port: int) -> bool:
    try:
        await Client.connect(f"127.0.0.1:{port}")
    except RuntimeError:
        return False
    return True


class Bridge(Worker):
    """`filot-ocr temporal`."""

    def command(self) -> list[str]:
        return [*super().command()[:-1], "temporal"]

    def answers(self) -> bool:
        return "temporal_served" in self.log.read_text()


@pytest.fixture(scope="module")
def temporal(servers: FilotStack) -> Iterator[Temporal]:
    server = Temporal(servers.sandbox, "temporal")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bridge(stack: FilotStack, environment: dict[str, str], temporal: Temporal) -> Iterator[Bridge]:
    address = {"TEMPORAL_ADDRESS": f"127.0.0.1:{temporal.port}", "OCR_GPU_POLL_INTERVAL": "100"}
    bridge = Bridge(stack.sandbox, {**environment, **address}, f"bridge-{uuid.uuid4().hex}")
    bridge.start()
    yield bridge
    bridge.stop()


@asynccontextmanager
async def started(temporal: Temporal, document_id: str) -> AsyncIterator["WorkflowHandle[Any, Any]"]:
    """Start a workflow, and run what it does."""
    client = await Client.connect(f"127.0.0.1:{temporal.port}")
    async with WorkflowWorker(
        client, task_queue=WORKFLOWS, workflows=[ReadCard], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        yield await client.start_workflow(
            ReadCard.run, document_id, id=str(uuid.uuid4()), task_queue=WORKFLOWS
        )


def read(temporal: Temporal, document_id: str) -> dict[str, Any]:
    async def whole() -> dict[str, Any]:
        async with started(temporal, document_id) as handle:
            result: dict[str, Any] = await handle.result()
            return result

    return asyncio.run(whole())


def cause(error: WorkflowFailureError) -> BaseException | None:
    assert isinstance(error.cause, ActivityError)
    inner: BaseException | None = error.cause.cause
    return inner


@pytest.mark.usefixtures("bridge")
def test_a_workflow_gets_what_became_of_a_document_and_nothing_that_it_says(
    temporal: Temporal, start_worker: Callable[..., Worker], backend: FilotBackend, ktp: bytes
) -> None:
    start_worker()
    document_id = backend.add_document(ktp)

    result = read(temporal, document_id)
    again = read(temporal, document_id)

    assert result == again
    row = backend.row(document_id)
    assert (result["documentId"], result["outcome"]) == (document_id, row["verification_status"])
    assert (result["score"], result["decision"]) == (row["ai_score"], row["ai_decision"])
    assert result.keys() == {"documentId", "score", "decision", "outcome", "reviewReasons"}
    (readings,) = backend.execute("SELECT count(*) AS count FROM ocr_worker.endings")
    assert readings["count"] == 1


@pytest.mark.usefixtures("bridge")
def test_a_bad_document_fails_its_workflow_at_once_with_its_code(
    temporal: Temporal, start_worker: Callable[..., Worker], backend: FilotBackend
) -> None:
    start_worker()

    with pytest.raises(WorkflowFailureError) as failed:
        read(temporal, backend.add_document(b"no picture"))
    with pytest.raises(WorkflowFailureError) as unknown:
        read(temporal, str(uuid.uuid4()))

    for error, code in ((failed, "not_an_image"), (unknown, "no_such_document")):
        found = cause(error.value)
        assert isinstance(found, ApplicationError)
        assert (found.type, found.non_retryable) == (code, True)


@pytest.mark.usefixtures("bridge")
def test_a_document_that_waits_in_the_list_is_not_queued_twice(
    temporal: Temporal, backend: FilotBackend, start_worker: Callable[..., Worker], ktp: bytes
) -> None:
    document_id = backend.add_document(ktp)
    backend.enqueue(document_id)

    async def run() -> dict[str, Any]:
        async with started(temporal, document_id) as handle:
            await asyncio.sleep(1)
            assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]
            await asyncio.to_thread(start_worker)
            result: dict[str, Any] = await handle.result()
            return result

    assert asyncio.run(run())["documentId"] == document_id


@pytest.mark.usefixtures("bridge")
def test_an_outage_of_ours_is_tried_again(
    temporal: Temporal,
    start_worker: Callable[..., Worker],
    stack: FilotStack,
    backend: FilotBackend,
    ktp: bytes,
) -> None:
    start_worker()
    document_id = backend.add_document(ktp)

    async def run() -> dict[str, Any]:
        stack.postgres.kill()
        async with started(temporal, document_id) as handle:
            while not any(
                each.attempt > 1 for each in (await handle.describe()).raw_description.pending_activities
            ):
                await asyncio.sleep(0.1)
            await asyncio.to_thread(stack.postgres.start)
            result: dict[str, Any] = await handle.result()
            return result

    assert asyncio.run(run())["outcome"] == backend.row(document_id)["verification_status"]


def test_a_cancelled_workflow_takes_its_document_out_of_the_queue(
    temporal: Temporal, bridge: Bridge, backend: FilotBackend, ktp: bytes
) -> None:
    document_id = backend.add_document(ktp)

    async def run() -> None:
        async with started(temporal, document_id) as handle:
            while not backend.redis.llen(QUEUE):
                await asyncio.sleep(0.1)
            await handle.cancel()
            with pytest.raises(WorkflowFailureError) as failed:
                await handle.result()
            assert isinstance(failed.value.cause, CancelledError)

    asyncio.run(run())
    wait_until(lambda: not backend.redis.llen(QUEUE))
    wait_until(lambda: backend.row(document_id)["status"] == "failed")

    assert backend.row(document_id)["result_json"]["errorCode"] == "cancelled"
    assert bridge.logged("activity_cancelled")


def test_a_bridge_that_is_killed_or_stopped_leaves_the_document_to_the_next(
    temporal: Temporal,
    bridge: Bridge,
    start_worker: Callable[..., Worker],
    backend: FilotBackend,
    ktp: bytes,
) -> None:
    document_id = backend.add_document(ktp)

    async def run() -> dict[str, Any]:
        async with started(temporal, document_id) as handle:
            while not backend.redis.llen(QUEUE):
                await asyncio.sleep(0.1)
            for end in (bridge.kill, bridge.stop):
                await asyncio.to_thread(end)
                assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]
                await asyncio.to_thread(bridge.start)
            await asyncio.to_thread(start_worker)
            result: dict[str, Any] = await handle.result()
            return result

    assert asyncio.run(run())["documentId"] == document_id
    assert not backend.redis.exists(PROCESSING)


def test_without_its_server_the_command_says_so(
    stack: FilotStack, environment: dict[str, str], run: Callable[..., Any]
) -> None:
    ended = run("temporal", TEMPORAL_ADDRESS="127.0.0.1:1")

    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert "Temporal does not answer at 127.0.0.1:1" in ended.stderr
