"""`status`, once and continuously."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from service.monitoring.heartbeat import HEARTBEAT_PREFIX, SEEN_KEY, WorkerState
from service.store import actions, history
from service.store.database import Database
from service.store.result import GPUOCRResult
from tests.acceptance.conftest import Runner
from tests.support.dead_job import bury
from tests.support.frozen import frozen
from tests.support.health_port import ask
from tests.support.terminal import TIMEOUT, on_a_terminal
from tests.support.waiting import wait_until


def test_status_is_for_humans_and_programs(run: Runner, backend: FilotBackend) -> None:
    backend.push("card")

    human = run("status")
    program = json.loads(run("status", "--json").stdout)

    sentence, advice, command, *_ = human.stdout.splitlines()
    assert sentence.startswith("No worker is running, and 1 document is waiting")
    assert advice.strip() == "Start a worker, or find out in its log why none gets ready."
    assert command == "  -> filot-ocr worker"
    assert re.search(r"worker running +no", human.stdout)
    assert re.search(r"waiting +1 ", human.stdout)
    assert human.stdout.index("worker running") < human.stdout.index("stuck jobs return")
    assert re.search(r"stuck jobs return after +5 min", human.stdout)
    assert program["queueLength"] == 1
    assert program["isRunning"] is False
    assert program["isGPUEnabled"] is False
    assert program["resultsUnheard"] == 0
    assert program["stuckJobTimeoutMs"] == 300_000
    assert [trouble["sentence"][:25] for trouble in program["troubles"]] == ["No worker is running, and"]


def test_status_says_to_programs_what_the_page_says(
    run: Runner, backend: FilotBackend, environment: dict[str, str], start_worker: Callable[..., Worker]
) -> None:
    worker = start_worker()
    bury(backend, environment)

    # The page shows what its worker polled last.
    wait_until(lambda: (ask(worker.port, "/status.json")[1].get("owed") or {}).get("dead") == 1)
    program = json.loads(run("status", "--json").stdout)
    status, page = ask(worker.port, "/status.json")

    of_the_moment = {"now", "servedBy"}
    assert status == 200
    assert program.keys() == page.keys()
    assert [trouble["command"] for trouble in program["troubles"]] == ["filot-ocr dead list"]
    assert [each["worker"] for each in program["workers"]] == [page["servedBy"]]
    assert {
        name: (program[name], page[name])
        for name in page.keys() - of_the_moment - {"workers"}
        if program[name] != page[name]
    } == {}


def test_one_status_asks_redis_once(run: Runner, backend: FilotBackend) -> None:
    def looks() -> int:
        return int(backend.redis.info("commandstats").get("cmdstat_zrange", {"calls": 0})["calls"])

    before = looks()
    run("status")

    assert looks() - before == 1


def test_status_shows_the_failures_that_it_names(
    run: Runner, environment: dict[str, str], backend: FilotBackend
) -> None:
    with Database(environment["DATABASE_URL"], 1).transaction() as cursor:
        for _ in range(2):
            failed = GPUOCRResult(
                success=False,
                document_id=str(uuid.uuid4()),
                correlation_id=str(uuid.uuid4()),
                job_id=str(uuid.uuid4()),
                gpu_processed=False,
                processing_time_ms=7,
            )
            history.put(cursor, failed, "KTP", "not_an_image")

    shown = run("status").stdout

    assert "2 of 2 documents failed in the last 5 minutes: not_an_image (2)." in shown
    assert re.search(r"failure +last hour +last day *\n *not_an_image +2 +2", shown)
    assert re.search(rf"{failed.document_id} +KTP +failed \(not_an_image\)", shown)


def test_status_names_what_only_postgresql_knows_and_the_workers(
    run: Runner, backend: FilotBackend, environment: dict[str, str], start_worker: Callable[..., Worker]
) -> None:
    start_worker()
    # Its first heartbeat comes just after it is ready.
    wait_until(lambda: backend.redis.exists(SEEN_KEY))
    well = run("status").stdout
    bury(backend, environment)

    wrong = run("status").stdout
    without = run("status", DATABASE_URL="").stdout
    away = run("status", DATABASE_URL="postgresql://127.0.0.1:1/none").stdout

    assert well.startswith("All is well: 1 worker, no documents waiting, ")
    assert re.search(r":\d+ +CPU +0 of 2 +- +running", well)
    assert wrong.splitlines()[0] == "1 job used up its attempts."
    assert wrong.splitlines()[2] == "  -> filot-ocr dead list"
    assert without.splitlines()[:2] == [
        "All is well.",
        "DATABASE_URL is not set here: results, failures, reviews and dead jobs are not shown.",
    ]
    assert away.startswith(
        "PostgreSQL is unavailable (nothing listens on that port): no documents are processed."
    )


def test_status_without_redis_says_what_is_known(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    document_id = bury(backend, environment)

    human = run("status", REDIS_URL="redis://127.0.0.1:1/0")
    program = run("status", "--json", REDIS_URL="redis://127.0.0.1:1/0")
    said = json.loads(program.stdout)

    assert (human.returncode, program.returncode) == (2, 2)
    assert human.stdout.startswith(
        "Redis is unavailable (nothing listens on that port): no documents are taken"
    )
    assert "1 job used up its attempts." in human.stdout
    assert re.search(rf"{document_id} +3 +EngineError", human.stdout)
    assert re.search("waiting +unknown", human.stdout)
    assert [trouble["level"] for trouble in said["troubles"]] == ["down", "warn"]
    assert (said["queueLength"], said["queue"], said["owed"]["dead"]) == (None, None, 1)
    assert human.stderr + program.stderr == ""


def test_status_does_not_wait_with_a_server_that_hangs(
    run: Runner, backend: FilotBackend, stack: FilotStack
) -> None:
    backend.push("card")

    with frozen(stack.postgres):
        ended = run("status", "--json")

    said = json.loads(ended.stdout)
    assert ended.returncode == 2
    assert said["sentence"] == "PostgreSQL is unavailable (no answer for 5 s): no documents are processed."
    assert (said["queueLength"], said["hour"]) == (1, None)


def test_a_wrong_password_of_redis_is_named_as_the_cause(run: Runner, environment: dict[str, str]) -> None:
    url = environment["REDIS_URL"].replace("@", "not-the-password@")

    status = run("status", REDIS_URL=url)
    other = run("requeue", "--stuck", REDIS_URL=url)

    assert (status.returncode, other.returncode) == (2, 2)
    assert status.stdout.startswith("Redis is up, but does not let us in: it refuses the password")
    assert "Redis is up, but does not let us in: it refuses the password" in other.stderr
    assert "unavailable" not in status.stdout + other.stderr
    assert "no documents are taken" not in status.stdout
    for said in (status.stdout.lower(), other.stderr):
        assert "compare the password in redis_url" in said.lower()
    assert "not-the-password" not in status.stdout + status.stderr + other.stdout + other.stderr


def test_a_wrong_password_of_postgresql_is_named_as_the_cause(
    run: Runner, environment: dict[str, str], backend: FilotBackend
) -> None:
    user = urlsplit(environment["DATABASE_URL"]).username
    url = re.sub("//.*@", f"//{user}:not-the-password@", environment["DATABASE_URL"])

    status = run("status", DATABASE_URL=url)
    other = run("dead", "list", DATABASE_URL=url)

    said = status.stdout + other.stderr
    assert (status.returncode, other.returncode) == (2, 2)
    assert said.count("it refuses the password or the user's name") == 2
    assert said.lower().count("compare both in database_url with the server's") == 2
    assert said.count("PostgreSQL is up, but does not let us in: ") == 2
    assert "unavailable" not in said
    assert "Error" not in said
    assert "not-the-password" not in said + status.stderr


def test_a_watched_status_is_drawn_anew_until_ctrl_c(
    environment: dict[str, str], backend: FilotBackend
) -> None:
    with on_a_terminal(environment, "status", "--watch") as (program, read_until):
        first = read_until(b"until Ctrl-C")
        backend.push("card")
        # One picture more may have been drawn before.
        while not re.search(rb"waiting +1 ", read_until(b"until Ctrl-C")):
            pass
        program.send_signal(signal.SIGINT)
        code = program.wait(TIMEOUT)

    assert re.search(rb"waiting +0 ", first)
    assert code == 130


def test_a_watch_on_a_small_terminal_shows_what_needs_a_person(
    environment: dict[str, str], backend: FilotBackend
) -> None:
    dead = [bury(backend, environment) for _ in range(2)]
    with Database(environment["DATABASE_URL"], 1).transaction() as cursor:
        for number in range(5):
            actions.put(cursor, "root@vm", "resume", f"act {number}", [])
    states = [WorkerState(worker=f"vm:{number}", concurrency=2) for number in range(3)]
    for state in states:
        backend.redis.set(f"{HEARTBEAT_PREFIX}{state.worker}", json.dumps(state.written()))
        backend.redis.zadd(SEEN_KEY, {state.worker: time.time()})
    small = {**environment, "COLUMNS": "80", "LINES": "24"}

    with on_a_terminal(small, "status", "--watch") as (_, read_until):
        shown = read_until(b" left out").decode()

    for each in (*dead, "2 jobs used up their attempts.", "filot-ocr dead list", "vm:2"):
        assert each in shown
    assert "stuck jobs return" not in shown
    assert "..." not in shown
    assert len(shown.splitlines()) <= 24


def test_a_watch_on_a_small_terminal_shows_a_living_worker_among_many_that_stopped(
    environment: dict[str, str], backend: FilotBackend
) -> None:
    living = WorkerState(worker="vm:9", concurrency=2)
    backend.redis.set(f"{HEARTBEAT_PREFIX}{living.worker}", json.dumps(living.written()))
    backend.redis.zadd(SEEN_KEY, {living.worker: time.time()})
    # The one that stopped last comes last by name.
    for number in range(30):
        backend.redis.zadd(SEEN_KEY, {f"vm:1{number:02}": time.time() - 3000 + 60 * number})
    small = {**environment, "COLUMNS": "80", "LINES": "24"}

    with on_a_terminal(small, "status", "--watch") as (_, read_until):
        shown = read_until(b" left out").decode()

    rows = re.findall(r"vm:\d+(?= +[?C])", shown)
    assert rows[0] == "vm:9"
    assert rows[1:] == ["vm:129", "vm:128", "vm:127"][: len(rows) - 1]
    assert f"... and {31 - len(rows)} more workers" in shown
    assert len(shown.splitlines()) <= 24


def test_settings_are_those_of_the_shell_and_what_workers_tell_is_theirs(
    run: Runner, backend: FilotBackend
) -> None:
    before = run("status", OCR_GPU_ENABLED="false").stdout
    state = WorkerState(worker="vm:1", gpu_enabled=True, gpu_available=True)
    backend.redis.set(f"{HEARTBEAT_PREFIX}{state.worker}", json.dumps(state.written()))
    backend.redis.zadd(SEEN_KEY, {state.worker: time.time()})

    after = run("status", OCR_GPU_ENABLED="false").stdout

    heading = "setting of this shell; workers have their own"
    assert before.index(heading) < before.index("meant to use a GPU")
    assert re.search(r"meant to use a GPU +no", before)
    assert after.index("meant to use a GPU") < after.index(heading)
    assert re.search(r"meant to use a GPU +yes", after)


def test_a_watch_outlives_an_outage_of_redis(environment: dict[str, str], stack: FilotStack) -> None:
    with on_a_terminal(environment, "status", "--watch") as (program, read_until):
        read_until(b"in progress or to retry")
        stack.valkey.kill()
        read_until(b"Redis is unavailable")
        stack.valkey.start()
        read_until(b"in progress or to retry")
        assert program.poll() is None


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

    assert said[0].startswith("1 of 1 worker has been waiting for the file store for ")
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
