"""The servers that the demo, the tests and developers run on."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from devstack.backend import FilotBackend
from devstack.servers import FilotStack, filot_stack
from devstack.servers.postgres import Postgres
from devstack.servers.sandbox import Sandbox, open_sandbox
from devstack.servers.server import Server, ServerError
from devstack.servers.storage import BUCKET, Storage
from devstack.servers.valkey import Valkey

# A shell's background jobs, and all that they start, ignore SIGINT; a terminal's do not.
TERMINAL = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"

#: s until a process counts as one that does not end.
TIMEOUT = 60

NO_RETRY = Retry(NoBackoff(), 0)

SERVE = "from devstack.servers import serve_until_interrupted; serve_until_interrupted()"

HOLD = """
from devstack.servers.postgres import Postgres
from devstack.servers.sandbox import open_sandbox
from devstack.servers.valkey import Valkey

with open_sandbox() as sandbox:
    for server in (Postgres(sandbox), Valkey(sandbox)):
        server.start()
    print("#", flush=True)
    input()
    raise SystemExit(3)
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A directory for temporary files that every user can pass through, as /tmp itself."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def python(code: str, scratch: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run code with hardly any environment; gives the process and what it printed up to a `#`."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", TERMINAL + code],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(scratch)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, list(takewhile(lambda line: not line.startswith("#"), process.stdout))
        finally:
            process.kill()


def still_running(processes: list[Any]) -> list[Any]:
    """The processes that do not end in a minute. One whose exit code nobody fetched yet has ended."""
    for _ in range(5 * TIMEOUT):
        _, left = psutil.wait_procs(processes, timeout=0.2)
        processes = [process for process in left if not has_ended(process)]
        if not processes:
            break
    return processes


def has_ended(process: Any) -> bool:
    try:
        return bool(not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def execute(url: str, statement: str) -> list[Any]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_redis_answers_behind_a_password(stack: FilotStack) -> None:
    with redis.Redis.from_url(stack.valkey.url) as client:
        client.set("greeting", "selamat pagi")

        value = client.get("greeting")

    assert value == b"selamat pagi"
    with (
        redis.Redis(port=stack.valkey.port, retry=NO_RETRY) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_postgres_holds_filots_empty_tables_and_counts_in_utc(stack: FilotStack) -> None:
    tables = execute(stack.postgres.url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    documents = execute(stack.postgres.url, "SELECT count(*) FROM documents")
    zone = execute(stack.postgres.url, "SHOW timezone")

    assert {"users", "documents"} <= {name for (name,) in tables}
    assert documents == [(0,)]
    assert zone == [("UTC",)]


def test_the_document_store_gives_back_what_was_put(backend: FilotBackend) -> None:
    backend.storage.put_object(Bucket=BUCKET, Key="someone/KTP_1.jpg", Body=b"\xff\xd8")

    got = backend.storage.get_object(Bucket=BUCKET, Key="someone/KTP_1.jpg")["Body"].read()

    assert got == b"\xff\xd8"


def test_the_review_service_remembers_every_request_and_gives_each_a_ticket(stack: FilotStack) -> None:
    review = {"documentId": "d-1", "aiScore": 40}
    headers = {"Authorization": "Bearer key"}

    answers = [
        httpx.post(f"{stack.reviews.url}/internal/reviews", json=review, headers=headers) for _ in "12"
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["taskId"] != answers[1].json()["taskId"]
    received = stack.reviews.received()
    assert [r.body for r in received] == [review, review]
    assert [r.authorization for r in received] == ["Bearer key", "Bearer key"]


def test_the_review_service_can_be_told_to_fail(stack: FilotStack) -> None:
    stack.reviews.answer_with(500)

    answer = httpx.post(f"{stack.reviews.url}/internal/reviews", json={"documentId": "d-1"})

    assert answer.status_code == 500
    assert [r.status for r in stack.reviews.received()] == [500]


@pytest.mark.parametrize("content", [b"", b"not JSON", b"[]", b"{}"])
def test_the_review_service_refuses_what_is_no_review(stack: FilotStack, content: bytes) -> None:
    answer = httpx.post(f"{stack.reviews.url}/internal/reviews", content=content)

    assert answer.status_code == 400
    assert stack.reviews.received() == []


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("PUT", "/answer", b"not JSON", 400),
        ("PUT", "/answer", b'{"status": "broken"}', 400),
        ("PUT", "/answer", b'{"status": 201, "body": "no object"}', 400),
        ("PUT", "/decision", b"[]", 400),
        ("PUT", "/decision", b'{"documentId": "d-1", "decision": "perhaps"}', 400),
        ("PUT", "/decision", b'{"documentId": "d-1", "decision": "approved"}', 404),
        ("PUT", "/decision", b'{"documentId": "d-2", "decision": "approved"}', 502),
        ("PUT", "/received", b"{}", 404),
        ("DELETE", "/answer", b"", 404),
        ("GET", "/", b"", 404),
        ("POST", "/reviews", b'{"documentId": "d-1"}', 404),
    ],
)
def test_the_review_service_answers_nonsense_with_a_sentence(
    method: str, path: str, content: bytes, status: int, stack: FilotStack
) -> None:
    unreachable = {"documentId": "d-2", "callbackUrl": "nowhere", "reviewId": "r-1"}
    httpx.post(f"{stack.reviews.url}/internal/reviews", json=unreachable)

    answer = httpx.request(method, stack.reviews.url + path, content=content)

    assert answer.status_code == status
    assert " " in answer.json()["error"]
    # What was set and received is as before.
    assert [r.status for r in stack.reviews.received()] == [201]


def test_two_stacks_side_by_side_share_nothing(stack: FilotStack, backend: FilotBackend) -> None:
    backend.push(backend.add_document(b"card"))

    with filot_stack() as other, FilotBackend(other.environment()) as other_backend:
        queued = other_backend.redis.keys()
        rows = other_backend.execute("SELECT id FROM documents")
        objects = other_backend.storage.list_objects_v2(Bucket=BUCKET)["KeyCount"]

    assert (queued, rows, objects) == ([], [], 0)
    assert other.sandbox.directory != stack.sandbox.directory


def test_redis_keeps_its_data_through_a_crash_when_it_appends(sandbox: Sandbox) -> None:
    valkey = Valkey(sandbox, append_only=True)
    valkey.start()
    url = valkey.url
    with redis.Redis.from_url(url) as client:
        client.rpush("queue", "d-1", "d-2")

        valkey.kill()
        valkey.start()

        assert client.lrange("queue", 0, -1) == [b"d-1", b"d-2"]
    assert valkey.url == url


@pytest.mark.parametrize("fsync", [False, True])
def test_postgres_keeps_its_data_through_a_crash(sandbox: Sandbox, fsync: bool) -> None:
    postgres = Postgres(sandbox, fsync=fsync)
    postgres.start()
    url = postgres.url
    execute(url, "CREATE TABLE kept AS SELECT 7 AS seven")
    with closing(psycopg2.connect(url)) as client:
        postgres.kill()
        postgres.start()

        with pytest.raises(psycopg2.OperationalError):
            client.cursor().execute("SELECT 1")
    assert execute(url, "SELECT seven FROM kept") == [(7,)]
    assert postgres.url == url


def test_every_server_starts_again_where_it_was(sandbox: Sandbox) -> None:
    for server in (Valkey(sandbox), Postgres(sandbox), Storage(sandbox)):
        server.start()
        port = server.port

        server.stop()
        stopped = server.answers()
        server.start()

        assert not stopped
        assert server.answers()
        assert server.port == port


def test_a_server_that_does_not_start_says_why(sandbox: Sandbox) -> None:
    class Broken(Server):
        def command(self) -> list[str]:
            return ["/bin/sh", "-c", "echo no such luck; exit 3"]

        def answers(self) -> bool:
            return False

    broken = Broken(sandbox, "broken")

    with pytest.raises(ServerError, match=r"(?s)broken ended while it started.*no such luck"):
        broken.start()


def test_nothing_is_left_when_a_stack_ends() -> None:
    before = set(psutil.Process().children())
    with filot_stack() as stack:
        mine = set(psutil.Process().children()) - before

    assert len(mine) == 5
    assert still_running(list(mine)) == []
    assert not stack.sandbox.directory.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_in_order_when_it_is_interrupted(scratch: Path, number: signal.Signals) -> None:
    with python(SERVE, scratch) as (process, _):
        servers = psutil.Process(process.pid).children(recursive=True)

        process.send_signal(number)
        code = process.wait(TIMEOUT)

    assert code == 0
    assert len(servers) >= 5
    assert still_running(servers) == []
    assert list(scratch.iterdir()) == []


def test_serving_tells_a_shell_how_to_reach_the_servers(scratch: Path) -> None:
    with python(SERVE, scratch) as (_, lines):
        shell = subprocess.run(
            ["/bin/sh", "-c", "".join(lines) + "env"], env={}, stdout=subprocess.PIPE, text=True, check=True
        )
        environment = dict(line.split("=", 1) for line in shell.stdout.splitlines())
        with FilotBackend(environment) as backend:
            document_id = backend.add_document(b"card")
            queued = backend.enqueue(document_id)
            (review,) = backend.execute(
                """INSERT INTO manual_reviews (document_id, user_id, payload)
                   SELECT id, user_id, '{}' FROM documents WHERE id = %s RETURNING id::text""",
                document_id,
            )
            body = {
                "documentId": document_id,
                "reviewId": review["id"],
                "callbackUrl": f"{environment['BULI2_CALLBACK_URL']}/{review['id']}/callback",
            }
            httpx.post(f"{environment['BULI2_API_URL']}/internal/reviews", json=body)
            decision = {"documentId": document_id, "decision": "approved"}
            decided = httpx.put(f"{environment['BULI2_API_URL']}/decision", json=decision)
            row = backend.row(document_id)

    assert queued
    assert decided.json() == {"status": 200}
    assert row["verification_status"] == "manually_approved"


@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_its_process_however_it_ends(scratch: Path, number: signal.Signals | None) -> None:
    with python(HOLD, scratch) as (process, _):
        servers = psutil.Process(process.pid).children(recursive=True)

        if number is None:
            process.communicate("\n")
        else:
            process.send_signal(number)
        process.wait(TIMEOUT)

    assert len(servers) >= 3
    assert still_running(servers) == []
    assert list(scratch.iterdir()) == []
