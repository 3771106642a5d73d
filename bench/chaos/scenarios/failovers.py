"""Scenarios of servers that change their role or take rights away while connections to them stay open."""

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

from bench.chaos.findings import Findings, check_attempts, check_end
from bench.chaos.harness import ChaosWorker, Document, Harness
from bench.chaos.pictures import Behaviour
from bench.chaos.standby import Replica, Standby, query
from devstack.backend import PROCESSING
from devstack.servers.pgbouncer import PgBouncer

#: Seconds for which PostgreSQL is read-only or refuses a table; in the short form.
REFUSED, SHORT_REFUSED = 30.0, 4.0

#: A role without more rights than the worker needs.
ROLE = "chaos_worker"


def postgres_read_only(harness: Harness, findings: Findings) -> None:
    """PostgreSQL takes no writes for a while, as after a failover: nothing fails or counts for it."""
    documents = _some(harness)
    worker = harness.worker()
    harness.enqueue(documents)
    harness.begun(documents[:2])
    with _read_only(harness.stack.postgres.url):
        _sit_out(harness, findings, worker, "read-only")
    back = time.monotonic()
    harness.wait_for(lambda: harness.listener.count() == len(documents), 60)
    findings.figure(f"all published {time.monotonic() - back:.1f} s later")
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)


def postgres_read_only_for_good(harness: Harness, findings: Findings) -> None:
    """PostgreSQL takes no writes while a worker lives, stops, and another one starts: both only wait."""
    documents = _some(harness)
    worker = harness.worker()
    harness.enqueue(documents)
    harness.begun(documents[:2])
    with _read_only(harness.stack.postgres.url):
        _sit_out(harness, findings, worker, "read-only", 2 * REFUSED)
        worker.terminate()
        code = worker.exit_code(REFUSED)
        findings.promise(code == 0, f"the worker ended with {code} on SIGTERM")
        successor = harness.worker("B", ready=False)
        _sit_out(harness, findings, successor, "read-only for the next worker")
        findings.promise(successor.is_running(), "the next worker ended by itself")
        known = {*harness.waiting(), *harness.backend.redis.smembers(PROCESSING)}
        findings.none_of((d.id for d in documents if d.id not in known), "no longer in Redis")
        findings.promise(harness.listener.count() == 0, "results were published that are not stored")
    check_end(harness, findings, documents, timeout=100)
    check_attempts(harness, findings, documents)


def postgres_rights(harness: Harness, findings: Findings) -> None:
    """The worker's user loses its right to write FiLot's table, and gets it back."""
    documents = _some(harness)
    url = _make_role(harness)
    worker = harness.worker(DATABASE_URL=url)
    harness.enqueue(documents)
    harness.begun(documents[:2])
    query(harness.stack.postgres.url, f"REVOKE UPDATE ON documents FROM {ROLE}")
    _sit_out(harness, findings, worker, "without the right to write")
    query(harness.stack.postgres.url, f"GRANT UPDATE ON documents TO {ROLE}")
    check_end(harness, findings, documents, timeout=100)
    check_attempts(harness, findings, documents)


def redis_rights(harness: Harness, findings: Findings) -> None:
    """The worker's user may not publish for a while: results are stored, and published afterwards."""
    documents = _some(harness)
    harness.worker()
    harness.backend.redis.execute_command("ACL", "SETUSER", "default", "-publish")
    try:
        harness.enqueue(documents)
        stored = harness.wait_for(lambda: _completed(harness) == len(documents), 40)
        heard = harness.listener.count()
    finally:
        harness.backend.redis.execute_command("ACL", "SETUSER", "default", "+publish")
    findings.promise(stored, "documents waited for the right to publish")
    findings.promise(heard == 0, f"{heard} results were published without the right: the scenario is void")
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)


def postgres_failover(harness: Harness, findings: Findings) -> None:
    """A standby takes over; the old primary goes on, read-only, with the connections that it has."""
    documents = _some(harness)
    old = harness.stack.postgres
    new = Standby(harness.stack.sandbox, old)
    new.start()
    try:
        harness.worker()
        harness.enqueue(documents)
        harness.begun(documents[:2])
        with _read_only(old.url):
            findings.promise(harness.wait_for(new.has_everything, 20), "the standby never caught up")
            new.promote()
            query(new.url, "ALTER SYSTEM RESET default_transaction_read_only")
            harness.proxies["postgres"].target = new.port
            harness.move_backend("DATABASE_URL", new.url)
            check_end(harness, findings, documents, timeout=60)
            check_attempts(harness, findings, documents)
    finally:
        new.kill()


def redis_failover(harness: Harness, findings: Findings) -> None:
    """A replica takes over; the old primary goes on as its replica with the connections that it has."""
    documents = [*harness.add(Behaviour.GOOD, 2, seconds=3), *harness.add(Behaviour.GOOD, 40, seconds=0.2)]
    old = harness.stack.valkey
    new = Replica(harness.stack.sandbox, old)
    new.start()
    new.follow()
    try:
        findings.promise(harness.wait_for(new.is_linked, 20), "the replica never got the data")
        # A replica hears what its primary publishes; the old one would hear itself as well.
        harness.listen_on(new.url)
        worker = harness.worker(OCR_GPU_CONCURRENCY="4")
        harness.enqueue(documents)
        harness.wait_for(lambda: harness.listener.count() >= 5, 20)
        new.take_over()
        findings.promise(harness.wait_for(new.is_primary, 20), "the replica never took over")
        harness.proxies["redis"].target = new.port
        harness.move_backend("REDIS_URL", new.url)
        early = harness.listener.count()
        check_end(harness, findings, documents, timeout=40)
        findings.figure(f"{len(documents) - early} results after the failover")
        findings.promise(early < len(documents), "all was done before the failover: the scenario is void")
        findings.promise(harness.wait_for(worker.answers, 20), "the worker did not get ready again")
        check_attempts(harness, findings, documents)
    finally:
        new.give_back()
        new.kill()


def pgbouncer(harness: Harness, findings: Findings) -> None:
    """Transactions share few sessions of PostgreSQL, and the pooler dies and comes back."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        findings.skip("pgbouncer is not installed (Debian: pgbouncer)")
        return
    documents = harness.add(Behaviour.GOOD, 40, seconds=0.2)
    pooler = PgBouncer(harness.stack.sandbox, program, harness.stack.postgres)
    pooler.start()
    harness.proxies["postgres"].target = pooler.port
    for tag in ("A", "B"):
        harness.worker(tag, OCR_GPU_CONCURRENCY="4")
    harness.enqueue(documents)
    harness.wait_for(lambda: harness.listener.count() >= 10, 20)
    pooler.kill()
    time.sleep(1)
    pooler.start()
    check_end(harness, findings, documents, timeout=60)
    check_attempts(harness, findings, documents)
    pooler.kill()


def _some(harness: Harness) -> list[Document]:
    return [*harness.add(Behaviour.GOOD, 2, seconds=2), *harness.add(Behaviour.GOOD, 20, seconds=0.1)]


def _completed(harness: Harness) -> int:
    (row,) = harness.backend.execute("SELECT count(*) AS rows FROM documents WHERE status = 'completed'")
    return int(row["rows"])


def _sit_out(
    harness: Harness, findings: Findings, worker: ChaosWorker, state: str, seconds: float = REFUSED
) -> None:
    """Wait while the server refuses; nothing may fail meanwhile, and `/ready` must say so."""
    if harness.short:
        seconds = SHORT_REFUSED
    time.sleep(seconds)
    findings.figure(f"{state} for {seconds:g} s")
    (row,) = harness.backend.execute("SELECT count(*) AS rows FROM documents WHERE status = 'failed'")
    findings.promise(row["rows"] == 0, f"{row['rows']} documents failed meanwhile")
    ready = worker.get("/ready")
    findings.promise_in_time(
        harness, ready == HTTPStatus.SERVICE_UNAVAILABLE, f"/ready answered {ready} meanwhile"
    )


@contextmanager
def _read_only(url: str) -> Iterator[None]:
    """Let every transaction that begins from now on be read-only, in open sessions as well."""
    query(url, "ALTER SYSTEM SET default_transaction_read_only = on")
    query(url, "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        query(url, "ALTER SYSTEM RESET default_transaction_read_only")
        query(url, "SELECT pg_reload_conf()")


def _make_role(harness: Harness) -> str:
    """Make a user with no more rights than needed; returns its URL. A first worker makes the schema."""
    owner = harness.stack.postgres.url
    first = harness.worker("owner")
    first.kill()
    password = secrets.token_hex(16)
    if query(owner, "SELECT 1 FROM pg_roles WHERE rolname = %s", ROLE):
        query(owner, f"DROP OWNED BY {ROLE}")
        query(owner, f"DROP ROLE {ROLE}")
    for statement in (
        f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'",
        f"GRANT SELECT, UPDATE ON documents TO {ROLE}",
        f"GRANT SELECT, INSERT, UPDATE ON manual_reviews TO {ROLE}",
        f"GRANT USAGE ON SCHEMA ocr_worker TO {ROLE}",
        f"GRANT ALL ON ALL TABLES IN SCHEMA ocr_worker TO {ROLE}",
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA ocr_worker TO {ROLE}",
        f"GRANT CREATE ON DATABASE {urlsplit(owner).path[1:]} TO {ROLE}",
    ):
        query(owner, statement)
    parts = urlsplit(owner)
    return parts._replace(netloc=f"{ROLE}:{password}@{parts.hostname}:{parts.port}").geturl()
