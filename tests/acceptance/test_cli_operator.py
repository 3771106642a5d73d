"""The commands of an operator who was woken: look, find out what is wrong, mend it."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from devstack.backend import PROCESSING, QUEUE, FilotBackend
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from service.store import dead_letters
from service.store.database import Database
from tests.acceptance.conftest import Runner
from tests.support.frozen import frozen
from tests.support.waiting import wait_until

#: s until a program that says nothing counts as stuck.
TIMEOUT = 60


@contextmanager
def minding_ctrl_c() -> Iterator[None]:
    """A shell's background jobs, and all that they start, ignore SIGINT; a terminal's do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def on_a_terminal(
    environment: dict[str, str], *arguments: str
) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[bytes], bytes]]]:
    """`filot-ocr` on a terminal of its own, and what reads it up to some text."""
    ours, theirs = pty.openpty()
    with minding_ctrl_c():
        started = subprocess.Popen(
            [sys.executable, "-m", "service", *arguments],
            env={**os.environ, **environment, "COLUMNS": "120", "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
    with started as program:
        os.close(theirs)
        shown = b""

        def read_until(text: bytes) -> bytes:
            nonlocal shown
            while text not in shown:
                assert select.select([ours], [], [], TIMEOUT)[0], shown
                shown += os.read(ours, 4096)
            before, _, shown = shown.partition(text)
            return before

        try:
            yield program, read_until
        finally:
            program.kill()
            os.close(ours)


def test_a_watched_status_is_drawn_anew_until_ctrl_c(
    environment: dict[str, str], backend: FilotBackend
) -> None:
    with on_a_terminal(environment, "status", "--watch") as (program, read_until):
        first = read_until(b"until Ctrl-C")
        backend.push("card")
        # One picture more may have been drawn before.
        while not re.search(rb"queue length +1 ", read_until(b"until Ctrl-C")):
            pass
        program.send_signal(signal.SIGINT)
        code = program.wait(TIMEOUT)

    assert re.search(rb"queue length +0 ", first)
    assert code == 0


def test_a_watch_outlives_an_outage_of_redis(environment: dict[str, str], stack: FilotStack) -> None:
    with on_a_terminal(environment, "status", "--watch") as (_, read_until):
        read_until(b"queue length")
        stack.valkey.kill()
        read_until(b"Redis is away")
        stack.valkey.start()
        read_until(b"queue length")


def test_a_file_store_that_hangs_is_seen_while_documents_wait_for_it(
    run: Runner, start_worker: Callable[..., Worker], stack: FilotStack, backend: FilotBackend
) -> None:
    start_worker()
    document_id = backend.add_document(b"no picture")

    with backend.listen() as channel:
        with frozen(stack.storage):
            backend.enqueue(document_id)
            said: list[str] = []
            while not said:
                problems = json.loads(run("status", "--json").stdout)["troubles"]
                said = [trouble["sentence"] for trouble in problems]
        (result,) = channel.wait_for(1)

    assert said[0].startswith("1 of 1 worker waits for the file store, for ")
    assert result["documentId"] == document_id
    while not run("status").stdout.startswith("All is well: "):
        pass  # until the next heartbeat


def test_a_status_loads_no_engine(environment: dict[str, str]) -> None:
    program = """
import sys
from service.cli import main
sys.argv = ["filot-ocr", "status", "--json"]
try:
    main()
finally:
    loaded = {"onnxruntime", "boto3", "pytesseract", "pypdfium2", "apscheduler"} & set(sys.modules)
    print(sorted(loaded), file=sys.stderr)
"""

    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr.strip()) == (0, "[]")


def test_the_doctor_finds_these_servers_sound(run: Runner, environment: dict[str, str]) -> None:
    ended = run("doctor", "--json", OCR_GPU_DRIVER="onnx")

    report = json.loads(ended.stdout)
    assert (ended.returncode, report["red"]) == (0, 0)
    assert {check["check"] for check in report["checks"]} >= {
        *(
            "settings",
            "redis version",
            "redis eviction",
            "postgresql",
            "table documents",
            "schema ocr_worker",
        ),
        *("storage", "review service", "encryption", "clock of redis", "clock of postgresql"),
        *("models", "engine", "gpu", "disk", "temporary files"),
    }
    for variable in ("REDIS_URL", "DATABASE_URL", "CF_R2_SECRET_ACCESS_KEY", "BULI2_API_KEY"):
        assert environment[variable] not in ended.stdout


def test_the_doctor_says_what_to_do_about_each_red_line(
    run: Runner, environment: dict[str, str], stack: FilotStack
) -> None:
    ended = run(
        "doctor",
        REDIS_PASSWORD="hunter2",
        DATABASE_URL=environment["DATABASE_URL"].replace("@", "hunter2@"),
        CF_R2_BUCKET_NAME="nobodys",
        BULI2_API_URL="http://127.0.0.1:1",
    )

    lines = ended.stdout.splitlines()
    red = {line.split()[1].rstrip(":") for line in lines if line.startswith("red ")}
    assert ended.returncode == 1
    assert red >= {"redis", "postgresql", "storage", "review"}
    assert ended.stdout.count("it refuses the password") == 2
    assert all("->" in lines[n + 1] for n, line in enumerate(lines) if line.startswith("red "))
    assert "hunter2" not in ended.stdout + ended.stderr
    assert ended.stderr == ""


def test_the_doctor_stops_at_settings_that_cannot_be_read(run: Runner) -> None:
    ended = run("doctor", OCR_GPU_CONCURRENCY="two")

    assert ended.returncode == 1
    assert "OCR_GPU_CONCURRENCY='two' is invalid: it must be a whole number" in ended.stdout


def test_stuck_documents_are_shown_and_queued_again(run: Runner, backend: FilotBackend) -> None:
    forgotten, abandoned, waiting = (backend.add_document(b"picture") for _ in range(3))
    backend.execute("UPDATE documents SET status = 'processing'")
    backend.redis.sadd(PROCESSING, abandoned)
    backend.push(waiting)

    shown = run("requeue", "--stuck", "--dry-run")
    untouched = backend.redis.lrange(QUEUE, 0, -1)
    queued = run("requeue", "--stuck")

    assert "2 would be queued again" in shown.stdout
    assert untouched == [waiting]
    assert f"{abandoned} in work, but its worker is gone" in queued.stdout
    assert f"{forgotten} to be worked on, but no queue knew it" in queued.stdout
    assert backend.redis.lrange(QUEUE, 0, -1) == [abandoned, waiting, forgotten]
    assert (shown.returncode, queued.returncode) == (0, 0)


def test_requeue_without_saying_what_is_refused(run: Runner) -> None:
    ended = run("requeue")

    assert ended.returncode == 1
    assert "--stuck or --reviews" in ended.stderr


def test_reviews_that_were_given_up_are_shown_and_reach_a_person_once_each(
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
        "2 reviews would be asked for again",
    ]
    assert untouched == []
    assert "2 reviews are asked for again" in queued.stdout
    assert sorted(each.body["documentId"] for each in stack.reviews.received()) == sorted(documents)
    assert again.stdout == "0 reviews are asked for again\n"
    assert (shown.returncode, queued.returncode, again.returncode) == (0, 0, 0)


def test_a_backfill_says_where_to_and_how_many(run: Runner, backend: FilotBackend) -> None:
    cards = [backend.add_document(b"picture") for _ in range(3)]
    backend.push(cards[0])
    arguments = ("backfill", "--status", "uploaded", "--type", "ktp", "--rate", "1000")

    plan = run(*arguments, "--dry-run", OCR_GPU_ENABLED="true")
    untouched = backend.redis.llen(QUEUE)
    part = run(*arguments, "--limit", "1", OCR_GPU_ENABLED="true")
    rest = run(*arguments, OCR_GPU_ENABLED="true")

    assert "2 documents for the GPU queue; 1 other waits or is in work already" in plan.stdout
    assert untouched == 1
    assert part.stdout.startswith("1 document for the GPU queue; ")
    assert "1 pushed" in part.stdout
    assert "1 pushed, 0 skipped: someone else was faster; 0 left" in rest.stdout
    assert backend.redis.lrange(QUEUE, 0, -1) == cards
    assert (plan.returncode, part.returncode, rest.returncode) == (0, 0, 0)


def test_ctrl_c_ends_a_backfill_between_two_documents(
    environment: dict[str, str], backend: FilotBackend
) -> None:
    for _ in range(3):
        backend.add_document(b"picture")
    arguments = ("backfill", "--status", "uploaded", "--rate", "0.01")

    with on_a_terminal({**environment, "OCR_GPU_ENABLED": "true"}, *arguments) as (program, read_until):
        read_until(b"1/3")
        program.send_signal(signal.SIGINT)
        read_until(b"1 pushed, 0 skipped: someone else was faster; 2 left")
        code = program.wait(TIMEOUT)

    statuses = backend.execute("SELECT status FROM documents ORDER BY status")
    assert code == 130
    assert backend.redis.llen(QUEUE) == 1
    assert [row["status"] for row in statuses] == ["uploaded", "uploaded", "processing"]


def test_a_backfill_without_redis_says_how_far_it_came(run: Runner, backend: FilotBackend) -> None:
    backend.add_document(b"picture")

    ended = run("backfill", "--status", "uploaded", REDIS_URL="redis://127.0.0.1:1/0")

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert backend.execute("SELECT 1 FROM documents WHERE status <> 'uploaded'") == []


def test_erase_removes_ours_and_says_what_it_left(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    document_id = backend.add_document(b"picture")
    with Database(environment["DATABASE_URL"], 1).transaction() as cursor:
        dead_letters.put(cursor, document_id, document_id, 3, "EngineError")

    unasked = run("erase", document_id)
    kept = json.loads(run("dead", "list", "--json").stdout)
    erased = run("erase", document_id.upper(), "--yes")

    assert unasked.returncode == 1
    assert len(kept) == 1
    assert erased.returncode == 0
    assert "1 dead job," in erased.stdout
    assert "the backend's: they were left alone" in erased.stdout
    assert json.loads(run("dead", "list", "--json").stdout) == []
    assert backend.row(document_id)["status"] == "uploaded"


def test_erase_refuses_a_document_in_work(run: Runner, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")
    backend.push(document_id)

    ended = run("erase", document_id, "--yes")
    no_id = run("erase", "card", "--yes")

    assert (ended.returncode, no_id.returncode) == (1, 1)
    assert "waits or is in work" in ended.stderr
    assert "no document id" in no_id.stderr
    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]


def test_the_worker_warns_of_a_misspelt_variable(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(OCR_GPU_CONCURENCY="3")

    (line,) = worker.logged("setting_unknown")

    assert json.loads(line)["level"] == "warning"
    assert "Did you mean OCR_GPU_CONCURRENCY?" in line


def test_an_unknown_document_leaves_nothing_to_erase(run: Runner) -> None:
    ended = run("erase", str(uuid.uuid4()), "--yes")

    assert ended.returncode == 0
    assert "FiLot has no row of this document" in ended.stdout
