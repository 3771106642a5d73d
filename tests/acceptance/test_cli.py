"""The command line, as people type it."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from service import dead
from service.database import Database
from service.demo.backend import ATTEMPTS, QUEUE, FilotBackend
from service.demo.people import Person
from service.demo.servers.worker import Worker

Runner = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(environment: dict[str, str]) -> Runner:
    """Run `filot-ocr` to its end."""

    def run(*arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "service", *arguments],
            env={**os.environ, **environment, "COLUMNS": "200", **changes},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_enqueue_says_what_was_accepted(run: Runner, backend: FilotBackend) -> None:
    first = run("enqueue", "a", "b")
    second = run("enqueue", "b", "c")

    assert (first.returncode, second.returncode) == (0, 1)
    assert "b refused" in second.stdout
    assert backend.redis.lrange(QUEUE, 0, -1) == ["a", "b", "c"]


def test_status_is_for_humans_and_programs(run: Runner, backend: FilotBackend) -> None:
    backend.push("card")

    human = run("status")
    program = json.loads(run("status", "--json").stdout)

    assert "queue length" in human.stdout
    assert program["queueLength"] == 1
    assert program["isRunning"] is False
    assert program["isGPUEnabled"] is False
    assert program["resultsUnheard"] == 0
    assert program["stuckJobTimeoutMs"] == 300_000


def bury(backend: FilotBackend, environment: dict[str, str]) -> str:
    """A document that failed for good, as the worker leaves it."""
    document_id = backend.add_document(b"picture")
    backend.execute("UPDATE documents SET status = 'failed' WHERE id = %s", document_id)
    with Database(environment["DATABASE_URL"], 1).transaction() as work:
        dead.put(work, document_id, document_id, 3, "EngineError")
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


def test_status_without_redis_says_what_to_look_at(run: Runner) -> None:
    ended = run("status", REDIS_URL="redis://127.0.0.1:1/0")

    assert ended.returncode == 2
    assert "REDIS_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


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
        assert follower.stdout is not None
        while not backend.redis.pubsub_numsub("filot:ocr:gpu:results")[0][1]:
            backend.redis.blpop(["nothing is pushed here"], timeout=1)

        backend.push("no-uuid")
        line = follower.stdout.readline()
        follower.terminate()

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
