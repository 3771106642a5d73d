"""`enqueue`, `requeue` and `backfill`, as an operator types them."""

import signal
import uuid
from collections.abc import Callable

import pytest

from devstack.backend import PROCESSING, QUEUE, FilotBackend
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from service.queue.document_queue import RETRY_KEY
from tests.acceptance.conftest import Runner
from tests.support.terminal import TIMEOUT, on_a_terminal
from tests.support.waiting import wait_until


def test_enqueue_prints_which_ids_it_accepted(run: Runner, backend: FilotBackend) -> None:
    a, b, c = (backend.add_document(b"picture") for _ in range(3))

    first = run("enqueue", a, b)
    second = run("enqueue", b, c)

    assert (first.returncode, second.returncode) == (0, 1)
    assert f"{b} refused: it is already queued, at position 2" in second.stdout
    assert f"{c} enqueued" in second.stdout
    assert backend.redis.lrange(QUEUE, 0, -1) == [a, b, c]


def test_enqueue_says_that_a_completed_document_is_not_read_again(run: Runner, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")
    backend.execute("UPDATE documents SET status = 'completed' WHERE id = %s", document_id)

    ended = run("enqueue", document_id)

    assert ended.returncode == 0
    assert ended.stdout.startswith(f"{document_id} enqueued: it is completed, so its result is published")


def test_enqueue_gives_the_reason_of_each_refusal(run: Runner, backend: FilotBackend) -> None:
    in_work, put_off = (backend.add_document(b"picture") for _ in range(2))
    unknown = str(uuid.uuid4())
    backend.redis.sadd(PROCESSING, in_work, put_off)
    backend.redis.zadd(RETRY_KEY, {put_off: 1})

    ended = run("enqueue", in_work, put_off, unknown, "[b]card[/b]")

    assert ended.returncode == 1
    assert f"{in_work} refused: it is in work" in ended.stdout
    assert f"{put_off} refused: it waits for its next attempt" in ended.stdout
    assert f"{unknown} refused: it has no row in FiLot's table" in ended.stdout
    assert "[b]card[/b] refused: it is not a UUID" in ended.stdout
    assert backend.redis.llen(QUEUE) == 0


def test_an_id_is_queued_as_the_backend_spells_it(run: Runner, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")

    run("enqueue", document_id.upper())

    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]


def test_stuck_documents_are_shown_and_queued_again(run: Runner, backend: FilotBackend) -> None:
    forgotten, abandoned, waiting = (backend.add_document(b"picture") for _ in range(3))
    backend.execute("UPDATE documents SET status = 'processing'")
    backend.redis.sadd(PROCESSING, abandoned)
    backend.push(waiting)

    shown = run("requeue", "--stuck", "--dry-run")
    untouched = backend.redis.lrange(QUEUE, 0, -1)
    queued = run("requeue", "--stuck")

    assert "2 documents would be queued again" in shown.stdout
    assert untouched == [waiting]
    assert f"{abandoned} in work, but its worker is gone" in queued.stdout
    assert f"{forgotten} to be processed, but in no queue" in queued.stdout
    assert backend.redis.lrange(QUEUE, 0, -1) == [abandoned, waiting, forgotten]
    assert (shown.returncode, queued.returncode) == (0, 0)


def test_requeue_without_an_option_is_refused(run: Runner) -> None:
    ended = run("requeue")

    assert ended.returncode == 1
    assert "--stuck or --reviews" in ended.stderr


def test_reviews_that_were_given_up_are_requested_again_once_each(
    run: Runner, start_worker: Callable[..., Worker], backend: FilotBackend, stack: FilotStack
) -> None:
    start_worker(OCR_GPU_POLL_INTERVAL="50")
    documents = [backend.add_document(b"picture") for _ in range(2)]
    for document_id in documents:
        backend.execute(
            "INSERT INTO ocr_worker.outbox"
            " (kind, job_id, document_id, correlation_id, attempts, given_up_at, created_at)"
            " VALUES ('review', gen_random_uuid(), %s, gen_random_uuid(), 150, now(), clock_timestamp())",
            document_id,
        )

    shown = run("requeue", "--reviews", "--dry-run")
    untouched = stack.reviews.received()
    queued = run("requeue", "--reviews")
    wait_until(lambda: all(backend.row(document_id)["buli2_ticket_id"] for document_id in documents))
    again = run("requeue", "--reviews")

    assert shown.stdout.splitlines() == [
        *(f"{document_id} its review was given up" for document_id in documents),
        "2 reviews would be requested again",
    ]
    assert untouched == []
    assert "2 reviews are requested again" in queued.stdout
    assert sorted(each.body["documentId"] for each in stack.reviews.received()) == sorted(documents)
    assert again.stdout == "0 reviews are requested again\n"
    assert (shown.returncode, queued.returncode, again.returncode) == (0, 0, 0)


def test_a_backfill_pushes_what_it_counted(run: Runner, backend: FilotBackend) -> None:
    cards = [backend.add_document(b"picture") for _ in range(3)]
    backend.push(cards[0])
    arguments = ("backfill", "--status", "uploaded", "--type", "ktp", "--rate", "1000", "--yes")

    plan = run(*arguments, "--dry-run", OCR_GPU_ENABLED="true")
    untouched = backend.redis.llen(QUEUE)
    part = run(*arguments, "--limit", "1", OCR_GPU_ENABLED="true")
    rest = run(*arguments, OCR_GPU_ENABLED="true")

    where = f"the GPU queue {QUEUE} (OCR_GPU_ENABLED is true)"
    assert f"2 documents for {where}; 1 other is queued or in work already" in plan.stdout
    assert untouched == 1
    assert part.stdout.startswith(f"1 document for {where}; ")
    assert "1 pushed" in part.stdout
    assert "1 pushed, 0 skipped (queued or changed meanwhile), 0 left" in rest.stdout
    assert backend.redis.lrange(QUEUE, 0, -1) == cards
    assert (plan.returncode, part.returncode, rest.returncode) == (0, 0, 0)


def test_a_backfill_says_where_it_would_push_and_asks(run: Runner, backend: FilotBackend) -> None:
    backend.add_document(b"picture")

    unanswered = run("backfill", "--status", "uploaded")

    assert unanswered.returncode == 1
    assert "1 document for the backend's CPU pipeline filot:ocr:queue (OCR_GPU_ENABLED is false)" in (
        unanswered.stdout
    )
    assert "Push 1 document to the backend's CPU pipeline" in unanswered.stderr
    assert "give --yes" in unanswered.stderr
    assert backend.redis.keys("filot:*") == []
    assert backend.execute("SELECT 1 FROM documents WHERE status <> 'uploaded'") == []


def test_a_backfill_of_failed_documents_says_what_it_leaves_out(run: Runner, backend: FilotBackend) -> None:
    broken, cancelled, lost = (backend.add_document(b"picture") for _ in range(3))
    for card, code in ((broken, "not_an_image"), (cancelled, "cancelled"), (lost, "file_missing")):
        result = f'{{"errorCode": "{code}"}}'
        backend.execute(
            "UPDATE documents SET status = 'failed', result_json = %s WHERE id = %s", result, card
        )
    arguments = ("backfill", "--status", "failed", "--queue", "gpu", "--yes")

    helpful = run(*arguments).stdout
    every = run(*arguments, "--hopeless").stdout

    assert "1 document for the GPU queue" in helpful
    assert "2 documents left out, cancelled or sure to fail again: " in helpful
    assert "--hopeless queues them, too" in helpful
    assert "2 documents for the GPU queue" in every
    assert "left out" not in every
    assert backend.redis.lrange(QUEUE, 0, -1) == [lost, broken, cancelled]


@pytest.mark.parametrize(("queue", "enabled"), [("gpu", "false"), ("cpu", "true")])
def test_a_backfill_pushes_to_the_queue_that_is_asked_for(
    run: Runner, backend: FilotBackend, queue: str, enabled: str
) -> None:
    card = backend.add_document(b"picture")

    run("backfill", "--status", "uploaded", "--queue", queue, "--yes", OCR_GPU_ENABLED=enabled)

    keys = {"gpu": QUEUE, "cpu": "filot:ocr:queue"}
    assert backend.redis.lrange(keys.pop(queue), 0, -1) == [card]
    assert backend.redis.llen(keys.popitem()[1]) == 0


def test_a_backfill_with_a_wrong_redis_password_says_so(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    backend.add_document(b"picture")
    url = environment["REDIS_URL"].replace("@", "not-the-password@")

    ended = run("backfill", "--status", "uploaded", "--yes", REDIS_URL=url)

    assert ended.returncode == 2
    assert "Redis is up, but does not let us in: it refuses the password" in ended.stderr


def test_ctrl_c_ends_a_backfill_between_two_documents(
    environment: dict[str, str], backend: FilotBackend
) -> None:
    for _ in range(3):
        backend.add_document(b"picture")
    arguments = ("backfill", "--status", "uploaded", "--rate", "0.01", "--yes")

    with on_a_terminal({**environment, "OCR_GPU_ENABLED": "true"}, *arguments) as (program, read_until):
        read_until(b"1/3")
        program.send_signal(signal.SIGINT)
        read_until(b"1 pushed, 0 skipped (queued or changed meanwhile), 2 left")
        code = program.wait(TIMEOUT)

    statuses = backend.execute("SELECT status FROM documents ORDER BY status")
    assert code == 130
    assert backend.redis.llen(QUEUE) == 1
    assert [row["status"] for row in statuses] == ["uploaded", "uploaded", "processing"]


def test_a_backfill_without_redis_changes_no_row(run: Runner, backend: FilotBackend) -> None:
    backend.add_document(b"picture")

    ended = run("backfill", "--status", "uploaded", "--yes", REDIS_URL="redis://127.0.0.1:1/0")

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert backend.execute("SELECT 1 FROM documents WHERE status <> 'uploaded'") == []


def test_a_wrong_choice_is_told_in_plain_words(run: Runner) -> None:
    ended = run("backfill", "--status", "uploaded", "--type", "sim")

    assert ended.returncode == 2
    assert "'sim' is not one of" in ended.stderr
    assert "Value error" not in ended.stderr
