"""`pause`, `resume`, `drain` and `cancel`, with workers at work."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from devstack.backend import PROCESSING, QUEUE, FilotBackend
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from service.monitoring.heartbeat import worker_states
from service.queue.document_queue import CPU_QUEUE_KEY
from tests.acceptance.conftest import Runner
from tests.support.frozen import frozen
from tests.support.waiting import wait_until


def actions(backend: FilotBackend) -> list[dict[str, Any]]:
    return backend.execute("SELECT action, reason, operator, documents FROM ocr_worker.actions ORDER BY id")


def test_a_pause_outlives_workers_and_says_who_and_why(
    run: Runner, start_worker: Callable[..., Worker], backend: FilotBackend
) -> None:
    paused = run("pause", "--why", "disk is being replaced")
    start_worker(ready=False)
    document_id = backend.add_document(b"no picture")
    with backend.listen() as channel:
        backend.push(document_id)
        wait_until(lambda: "disk is being replaced" in run("status").stdout)
        waiting = backend.redis.lrange(QUEUE, 0, -1)
        resumed = run("resume", "--why", "replaced")
        (result,) = channel.wait_for(1)
    again = run("resume")
    status = run("status").stdout
    (latest, earlier) = json.loads(run("status", "--json").stdout)["actions"]

    assert (paused.returncode, resumed.returncode, again.returncode) == (0, 0, 1)
    assert "All workers are paused by " in paused.stdout
    assert waiting == [document_id]
    assert result["documentId"] == document_id
    pause, resume = actions(backend)
    assert (pause["action"], pause["reason"]) == ("pause", "disk is being replaced")
    assert (resume["action"], resume["reason"]) == ("resume", "replaced")
    assert "@" in pause["operator"]
    assert re.search(r"\n *resume +replaced +- +\S+@\S+ +\d{4}-", status)
    assert (latest["action"], earlier["action"]) == ("resume", "pause")
    assert earlier["reason"] == "disk is being replaced"
    (line,) = (json.loads(line) for line in paused.stderr.splitlines())
    assert (line["event"], line["action"], line["operator"]) == (
        "operator_action",
        "pause",
        pause["operator"],
    )


def test_a_pause_with_a_limit_ends_by_itself(
    run: Runner, start_worker: Callable[..., Worker], backend: FilotBackend
) -> None:
    start_worker()
    paused = run("pause", "--for", "1s", "--why", "a look")
    with backend.listen() as channel:
        backend.push(backend.add_document(b"no picture"))
        channel.wait_for(1)

    assert ", until " in paused.stdout


def test_a_duration_that_is_none_is_refused_with_an_example(run: Runner, backend: FilotBackend) -> None:
    ended = run("pause", "--for", "soon", "--why", "a look")

    assert ended.returncode == 2
    assert "such as 30m" in ended.stderr
    assert backend.redis.keys("*") == []


def test_a_drain_waits_for_what_is_in_work_and_takes_nothing_more(
    run: Runner, start_worker: Callable[..., Worker], backend: FilotBackend, stack: FilotStack
) -> None:
    start_worker()
    in_work, waiting = (backend.add_document(b"no picture") for _ in range(2))
    with frozen(stack.storage):
        backend.push(in_work)
        wait_until(lambda: backend.redis.sismember(PROCESSING, in_work) == 1)
        impatient = run("drain", "--timeout", "1s")
        backend.push(waiting)
    drained = run("drain")

    assert (impatient.returncode, drained.returncode) == (1, 0)
    assert "1 job is still in work; the workers stay paused" in impatient.stderr
    assert "Nothing is in work. All workers are paused" in drained.stdout
    assert backend.redis.lrange(QUEUE, 0, -1) == [waiting]
    assert backend.row(in_work)["status"] == "failed"


def test_cancelled_documents_fail_once_wherever_they_were(
    run: Runner, start_worker: Callable[..., Worker], backend: FilotBackend, stack: FilotStack, ktp: bytes
) -> None:
    start_worker(OCR_GPU_CONCURRENCY="1")
    in_work, waiting, later = (backend.add_document(ktp) for _ in range(3))
    unknown = str(uuid.uuid4())
    with backend.listen() as channel:
        with frozen(stack.storage):
            backend.push(in_work)
            wait_until(lambda: backend.row(in_work)["status"] == "processing")
            backend.push(waiting)
            cancelled = run("cancel", in_work, waiting, unknown, "--yes", "--why", "wrong upload")
        backend.push(later)
        wait_until(lambda: backend.row(later)["status"] == "completed")
        results = channel.wait_for(3)

    assert cancelled.returncode == 1
    assert f"{in_work} cancelled: it was in work" in cancelled.stdout
    assert f"{waiting} cancelled: it was waiting" in cancelled.stdout
    assert f"{unknown} is neither queued nor in work" in cancelled.stdout
    for document_id in (in_work, waiting):
        row = backend.row(document_id)
        assert row["status"] == "failed"
        assert "cancelled" in row["result_json"]["error"]
    assert {result["documentId"]: result["success"] for result in results} == {
        in_work: False,
        waiting: False,
        later: True,
    }
    assert backend.redis.llen(QUEUE) == 0
    assert backend.redis.scard(PROCESSING) == 0
    (action,) = actions(backend)
    assert (action["action"], action["documents"]) == ("cancel", [in_work, waiting])


def test_a_document_that_is_erased_leaves_the_acts_too(run: Runner, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"no picture")
    backend.push(document_id)
    run("cancel", document_id, "--yes")

    run("erase", document_id, "--yes")

    (action,) = actions(backend)
    assert (action["action"], action["documents"]) == ("cancel", [])


def test_a_question_without_a_terminal_is_answered_by_no(run: Runner, backend: FilotBackend) -> None:
    documents = [backend.add_document(b"no picture") for _ in range(2)]
    backend.push(documents[0])

    one, two, erased = run("cancel", documents[0]), run("cancel", *documents), run("erase", documents[0])

    assert [one.returncode, two.returncode, erased.returncode] == [1, 1, 1]
    assert one.stderr.startswith("filot-ocr: Cancel 1 document? Its row becomes failed. ")
    assert two.stderr.startswith("filot-ocr: Cancel 2 documents? Their rows become failed. ")
    assert all("give --yes" in each.stderr for each in (one, two, erased))
    assert backend.redis.lrange(QUEUE, 0, -1) == [documents[0]]


def test_the_workers_say_where_documents_are_looked_for(
    run: Runner, start_worker: Callable[..., Worker], backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"no picture")
    backend.redis.rpush(CPU_QUEUE_KEY, document_id)
    alone = run("cancel", document_id, "--yes")
    unclaimed = run("status").stdout
    run("pause", "--why", "a look")
    start_worker(ready=False, OCR_GPU_CLAIM_CPU_QUEUE="true")
    wait_until(lambda: any(state.claims_cpu_queue for state in worker_states(backend.redis)))

    claimed = run("status").stdout
    refused = run("enqueue", document_id)
    cancelled = run("cancel", document_id, "--yes")

    assert alone.returncode == 1
    assert re.search(r"in the CPU list +1, not taken: OCR_GPU_CLAIM_CPU_QUEUE is off", unclaimed)
    assert re.search(r"of these in the CPU list +1 ", claimed)
    assert "it is already queued in the backend's CPU list" in refused.stdout
    assert f"{document_id} cancelled: it was waiting" in cancelled.stdout
    assert backend.redis.llen(CPU_QUEUE_KEY) == 0


def test_the_first_characters_of_an_id_are_enough_to_cancel_it_but_not_to_erase_it(
    run: Runner, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"no picture")
    twins = [f"0f0f0f0f-0000-4000-8000-00000000000{number}" for number in (1, 2)]
    for twin in twins:
        backend.execute(
            "UPDATE documents SET id = %s WHERE id = %s", twin, backend.add_document(b"no picture")
        )
    backend.push(document_id)

    ambiguous = run("cancel", "0f0f0f0f", "--yes")
    unknown = run("cancel", str(uuid.uuid4())[:13], "--yes")
    cancelled = run("cancel", document_id[:8], "--yes")
    erased = run("erase", document_id[:8], "--yes")

    assert [each.returncode for each in (ambiguous, unknown, cancelled, erased)] == [1, 1, 0, 1]
    assert all(twin in ambiguous.stderr for twin in twins)
    assert "no document's id begins with" in unknown.stderr
    assert f"{document_id} cancelled: it was waiting" in cancelled.stdout
    assert "erase needs the whole id" in erased.stderr


def test_a_pause_without_a_reason_is_refused(run: Runner, backend: FilotBackend) -> None:
    refused = run("pause", "--why", " ")

    assert refused.returncode == 1
    assert "say in a few words why" in refused.stderr
    assert backend.redis.keys("*") == []


def test_a_pause_says_which_earlier_one_it_replaces(run: Runner, backend: FilotBackend) -> None:
    first = run("pause", "--why", "disk is being replaced")
    second = run("pause", "--for", "1h", "--why", "a look")
    drained = run("drain", "--timeout", "30s")

    assert "replaces" not in first.stdout
    assert re.search(r"This replaces an earlier pause: paused by .+: disk is being replaced", second.stdout)
    assert re.search(r"This replaces an earlier pause: paused by .+: a look", drained.stdout)
