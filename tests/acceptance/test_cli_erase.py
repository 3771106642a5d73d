"""`erase`, as an operator types it."""

import json
import uuid

from devstack.backend import QUEUE, FilotBackend
from service.store import dead_letters
from service.store.database import Database
from tests.acceptance.conftest import Runner


def test_erase_deletes_ours_and_says_what_it_left(
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
    assert "belong to the backend: they were not touched" in erased.stdout
    assert json.loads(run("dead", "list", "--json").stdout) == []
    assert backend.row(document_id)["status"] == "uploaded"


def test_erase_refuses_a_document_in_work(run: Runner, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")
    backend.push(document_id)

    ended = run("erase", document_id, "--yes")
    no_id = run("erase", "card", "--yes")

    assert (ended.returncode, no_id.returncode) == (1, 1)
    assert "waits or is in work" in ended.stderr
    assert "not a document id" in no_id.stderr
    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]


def test_an_unknown_document_leaves_nothing_to_erase(run: Runner) -> None:
    ended = run("erase", str(uuid.uuid4()), "--yes")

    assert ended.returncode == 0
    assert "FiLot has no row of this document" in ended.stdout
