"""The command line, as people type it."""

import io
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import PIL.Image
import PIL.ImageFilter

from devstack.backend import ATTEMPTS, PROCESSING, QUEUE, FilotBackend
from devstack.people import Person
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from service.monitoring.heartbeat import SEEN_KEY
from service.queue.document_queue import RETRY_KEY
from service.store import dead_letters, history
from service.store.database import Database
from service.store.result import GPUOCRResult
from tests.acceptance.conftest import Runner
from tests.support.frozen import frozen
from tests.support.health_port import ask


def test_enqueue_says_what_was_accepted(run: Runner, backend: FilotBackend) -> None:
    a, b, c = (backend.add_document(b"picture") for _ in range(3))

    first = run("enqueue", a, b)
    second = run("enqueue", b, c)

    assert (first.returncode, second.returncode) == (0, 1)
    assert f"{b} refused: it waits already, at place 2 of the queue" in second.stdout
    assert f"{c} enqueued" in second.stdout
    assert backend.redis.lrange(QUEUE, 0, -1) == [a, b, c]


def test_enqueue_says_of_each_refused_one_why(run: Runner, backend: FilotBackend) -> None:
    in_work, put_off = (backend.add_document(b"picture") for _ in range(2))
    unknown = str(uuid.uuid4())
    backend.redis.sadd(PROCESSING, in_work, put_off)
    backend.redis.zadd(RETRY_KEY, {put_off: 1})

    ended = run("enqueue", in_work, put_off, unknown, "[b]card[/b]")

    assert ended.returncode == 1
    assert f"{in_work} refused: it is in work" in ended.stdout
    assert f"{put_off} refused: it waits for its next attempt" in ended.stdout
    assert f"{unknown} refused: FiLot has no row of it" in ended.stdout
    assert "[b]card[/b] refused: it is no UUID" in ended.stdout
    assert backend.redis.llen(QUEUE) == 0


def test_an_id_is_queued_as_the_backend_spells_it(run: Runner, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")

    run("enqueue", document_id.upper())

    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]


def test_status_is_for_humans_and_programs(run: Runner, backend: FilotBackend) -> None:
    backend.push("card")

    human = run("status")
    program = json.loads(run("status", "--json").stdout)

    sentence, advice, *_ = human.stdout.splitlines()
    assert sentence.startswith("No worker is running, and 1 document is waiting")
    assert advice == "  -> Start a worker, or find out in its log why none gets ready. filot-ocr worker"
    assert "queue length" in human.stdout
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
    while not backend.redis.exists(SEEN_KEY):
        backend.redis.blpop(["nothing is pushed here"], timeout=1)
    well = run("status").stdout
    bury(backend, environment)

    wrong = run("status").stdout
    without = run("status", DATABASE_URL="").stdout
    away = run("status", DATABASE_URL="postgresql://127.0.0.1:1/none").stdout

    assert well.startswith("All is well: 1 worker, no documents waiting, ")
    assert re.search(r":\d+ +CPU +0 of 2 +- ", well)
    assert wrong.splitlines()[0] == "1 job used up its attempts."
    assert wrong.splitlines()[1].endswith("filot-ocr dead list")
    assert without.startswith("All is well.")
    assert away.startswith("PostgreSQL is unavailable (OperationalError): no documents are processed.")


def bury(backend: FilotBackend, environment: dict[str, str]) -> str:
    """A document that failed for good, as the worker leaves it."""
    document_id = backend.add_document(b"picture")
    backend.execute("UPDATE documents SET status = 'failed' WHERE id = %s", document_id)
    with Database(environment["DATABASE_URL"], 1).transaction() as cursor:
        dead_letters.put(cursor, document_id, document_id, 3, "EngineError")
    return document_id


def test_dead_jobs_are_listed_and_shown(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    none = run("dead", "list")
    document_id = bury(backend, environment)

    listed = run("dead", "list")
    programs = json.loads(run("dead", "list", "--json").stdout)
    shown = run("dead", "show", document_id)
    unknown = run("dead", "show", str(uuid.uuid4()))

    assert "no dead jobs" in none.stdout
    assert document_id in listed.stdout
    assert [(job["documentId"], job["attempts"], job["cause"]) for job in programs] == [
        (document_id, 3, "EngineError")
    ]
    assert "EngineError" in shown.stdout
    assert (listed.returncode, shown.returncode, unknown.returncode) == (0, 0, 1)


def test_a_dead_job_is_queued_again_with_all_its_attempts(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    document_id = bury(backend, environment)

    requeued = run("dead", "requeue", document_id)
    again = run("dead", "requeue", document_id)

    assert (requeued.returncode, again.returncode) == (0, 1)
    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]
    assert backend.redis.hget(ATTEMPTS, document_id) == "0"
    assert backend.row(document_id)["status"] == "processing"


def test_a_dead_job_can_be_forgotten_its_document_not(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    document_id = bury(backend, environment)

    dropped = run("dead", "drop", document_id)

    assert dropped.returncode == 0
    assert json.loads(run("dead", "list", "--json").stdout) == []
    assert backend.row(document_id)["status"] == "failed"
    assert backend.redis.keys("*") == []


def test_status_without_redis_says_what_is_known(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    document_id = bury(backend, environment)

    human = run("status", REDIS_URL="redis://127.0.0.1:1/0")
    program = run("status", "--json", REDIS_URL="redis://127.0.0.1:1/0")
    said = json.loads(program.stdout)

    assert (human.returncode, program.returncode) == (2, 2)
    assert human.stdout.startswith("Redis is unavailable (ConnectionError): no documents are taken")
    assert "1 job used up its attempts." in human.stdout
    assert re.search(rf"{document_id} +3 +EngineError", human.stdout)
    assert re.search("queue length +unknown", human.stdout)
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


def test_a_wrong_password_of_redis_is_told_as_one(run: Runner, environment: dict[str, str]) -> None:
    status = run("status", REDIS_PASSWORD="not-the-password")
    other = run("requeue", "--stuck", REDIS_PASSWORD="not-the-password")

    assert (status.returncode, other.returncode) == (2, 2)
    assert "it refuses the password" in status.stdout
    assert "refuses the password" in other.stderr
    assert "not-the-password" not in status.stdout + status.stderr + other.stdout + other.stderr


def test_the_version_is_that_of_the_package(run: Runner) -> None:
    ended = run("--version")

    assert ended.stdout.strip() == f"filot-ocr {version('filot-ocr-worker')}"


def test_settings_masks_secrets(run: Runner, environment: dict[str, str]) -> None:
    listed = run("settings")
    as_json = json.loads(run("settings", "--json").stdout)

    assert "OCR_GPU_CONCURRENCY" in listed.stdout
    assert as_json["CF_R2_ENDPOINT"] == environment["CF_R2_ENDPOINT"]
    for secret in ("REDIS_URL", "DATABASE_URL", "CF_R2_SECRET_ACCESS_KEY", "BULI2_API_KEY"):
        assert environment[secret] not in listed.stdout
        assert environment[secret] not in str(as_json)


def test_results_follows_the_channel(
    start_worker: Callable[..., Worker], environment: dict[str, str], backend: FilotBackend
) -> None:
    start_worker()
    with subprocess.Popen(
        [sys.executable, "-m", "service", "results"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as follower:
        try:
            assert follower.stdout is not None
            while not backend.redis.pubsub_numsub("filot:ocr:gpu:results")[0][1]:
                backend.redis.blpop(["nothing is pushed here"], timeout=1)

            backend.push("no-uuid")
            line = follower.stdout.readline()
        finally:
            follower.kill()

    assert json.loads(line)["documentId"] == "no-uuid"


def test_read_needs_no_server(run: Runner, ktp: bytes, person: Person, tmp_path: Path) -> None:
    card, overlay = tmp_path / "card.jpg", tmp_path / "read.png"
    card.write_bytes(ktp)

    human = run("read", str(card), "--type", "KTP", "--overlay", str(overlay))
    program = json.loads(run("read", str(card), "--type", "KTP", "--json").stdout)

    assert person.nik in human.stdout
    assert program["fields"]["nik"]["value"] == person.nik
    assert 0.9 < program["fields"]["nik"]["confidence"] <= 1
    assert program["decision"] == "auto_approve"
    assert overlay.read_bytes().startswith(b"\x89PNG")


def test_read_says_what_can_be_done_about_a_poor_picture(run: Runner, ktp: bytes, tmp_path: Path) -> None:
    card = tmp_path / "card.jpg"
    with PIL.Image.open(io.BytesIO(ktp)) as picture:
        picture.filter(PIL.ImageFilter.GaussianBlur(picture.width / 150)).save(card)

    human = run("read", str(card), "--type", "KTP")
    program = json.loads(run("read", str(card), "--type", "KTP", "--json").stdout)

    assert program["decision"] == "needs_review"
    assert "blurred" in program["reviewReasons"]
    assert "Foto buram; silakan foto ulang di tempat terang. / The photo is blurred" in human.stdout
    assert len(program["reviewAdvice"]) == len(program["reviewReasons"])


def test_read_of_a_file_without_an_end_stops_at_the_limit(run: Runner) -> None:
    ended = run("read", "/dev/zero", "--type", "KTP")

    assert ended.returncode == 1
    assert "file is too large" in ended.stderr


def test_the_type_of_a_card_may_be_typed_in_lower_case(run: Runner, ktp: bytes, tmp_path: Path) -> None:
    card = tmp_path / "card.jpg"
    card.write_bytes(ktp)

    read = json.loads(run("read", str(card), "--type", "ktp", "--json").stdout)

    assert read["documentType"] == "KTP"


def test_an_overlay_without_a_picture_suffix_is_refused_in_one_line(
    run: Runner, ktp: bytes, tmp_path: Path
) -> None:
    card = tmp_path / "card.jpg"
    card.write_bytes(ktp)

    ended = run("read", str(card), "--type", "KTP", "--overlay", str(tmp_path / "read.txt"))

    assert ended.returncode == 2
    assert ".png or .jpg" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_everything_that_is_not_set_is_named_at_once(run: Runner) -> None:
    ended = run("worker", REDIS_URL="", CF_R2_BUCKET_NAME="")

    assert ended.returncode == 2
    assert ended.stderr.strip() == "filot-ocr: not set: REDIS_URL, CF_R2_BUCKET_NAME"


def test_read_of_no_picture_says_what_to_do(run: Runner, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("hello")

    ended = run("read", str(letter), "--type", "KTP")

    assert ended.returncode == 1
    assert "JPEG, PNG" in ended.stderr
    assert "Traceback" not in ended.stderr
