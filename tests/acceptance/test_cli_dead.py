"""`dead`, as an operator types it."""

import json
import uuid

from devstack.backend import ATTEMPTS, QUEUE, FilotBackend
from tests.acceptance.conftest import Runner
from tests.support.dead_job import bury


def test_dead_jobs_are_listed_and_shown(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    none = run("dead", "list")
    document_id = bury(backend, environment)

    listed = run("dead", "list")
    programs = json.loads(run("dead", "list", "--json").stdout)
    shown = run("dead", "show", document_id)
    shortened = run("dead", "show", f"{document_id[:8].upper()}…")
    unknown = run("dead", "show", str(uuid.uuid4()))

    assert "no dead jobs" in none.stdout
    assert document_id in listed.stdout
    assert [(job["documentId"], job["attempts"], job["cause"]) for job in programs] == [
        (document_id, 3, "EngineError")
    ]
    assert "EngineError" in shown.stdout
    assert shortened.stdout == shown.stdout
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


def test_the_first_characters_of_an_id_are_enough_to_queue_it_again(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    document_id = bury(backend, environment)

    short = run("dead", "requeue", document_id[:7])
    unknown = run("dead", "requeue", str(uuid.uuid4())[:8])
    requeued = run("dead", "requeue", document_id[:8].upper())

    assert (short.returncode, unknown.returncode, requeued.returncode) == (1, 1, 0)
    assert "nor its first 8 characters or more" in short.stderr
    assert "is not among the dead jobs" in unknown.stderr
    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]


def test_a_dead_job_can_be_forgotten_its_document_not(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    document_id = bury(backend, environment)

    wrong = run("dead", "drop", document_id, "nonsense")
    dropped = run("dead", "drop", document_id[:8])

    assert wrong.returncode == 1
    assert "nothing is done" in wrong.stderr
    assert dropped.returncode == 0
    assert json.loads(run("dead", "list", "--json").stdout) == []
    assert backend.row(document_id)["status"] == "failed"
    assert backend.redis.keys("*") == []
