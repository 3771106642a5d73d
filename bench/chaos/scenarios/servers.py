"""PostgreSQL, the document store and the review service: away, slow, silent, or answering nonsense."""

import threading
import time
from collections import Counter

from bench.chaos.findings import Findings, check_attempts, check_end
from bench.chaos.ground import Ground, Paper
from bench.chaos.pictures import Behaviour
from bench.chaos.proxy import Rule
from service.store.database import ANSWER_TIMEOUT

#: Seconds that PostgreSQL is away; in the short form.
AWAY, SHORT_AWAY = 20.0, 4.0

#: Seconds that PostgreSQL is silent: longer than the worker waits for any answer.
SILENCE = ANSWER_TIMEOUT + 5

#: Seconds that Redis, PostgreSQL and the store are away together.
OUTAGE = 60.0

#: What a worker sends while it stores a result, and just after.
STORES_RESULT, COMMITS = b"SET status = 'completed'", b"COMMIT"

_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def postgres_away(ground: Ground, findings: Findings) -> None:
    """Jobs that end meanwhile wait for it, and none pays with an attempt."""
    papers = [*ground.add(Behaviour.GOOD, 2, seconds=2), *ground.add(Behaviour.GOOD, 20, seconds=0.1)]
    ground.worker()
    ground.enqueue(papers)
    ground.begun(papers[:2])
    ground.stack.postgres.stop()
    away = SHORT_AWAY if ground.short else AWAY
    time.sleep(away)
    ground.stack.postgres.start()
    back = time.monotonic()
    ground.wait_for(lambda: ground.listener.count() == len(papers), 60)
    findings.figure(f"away {away:g} s, all told {time.monotonic() - back:.1f} s later")
    check_end(ground, findings, papers, timeout=40)
    check_attempts(ground, findings, papers)


def postgres_after_commit(ground: Ground, findings: Findings) -> None:
    """The result is stored; the server is killed before the worker can note that it is being told."""
    papers = ground.add(Behaviour.GOOD, 6, seconds=0.3)
    killed = threading.Event()

    def kill_once() -> bool:
        if not killed.is_set():
            killed.set()
            threading.Thread(target=restart, daemon=True).start()
        return False

    def restart() -> None:
        # Long enough for the commit, which was passed on by now, and too short for the next transaction.
        ground.wait_for(lambda: bool(_stored(ground)), 5)
        ground.stack.postgres.kill()
        time.sleep(2)
        ground.stack.postgres.start()
        restarted.set()

    restarted = threading.Event()
    ground.worker(OCR_GPU_CONCURRENCY="1")
    rule = Rule((STORES_RESULT, COMMITS), kill_once)
    ground.proxies["postgres"].delay = 0.1
    ground.proxies["postgres"].rules = [rule]
    ground.enqueue(papers)
    findings.promise(restarted.wait(40), "PostgreSQL was never killed: no result was stored")
    ground.proxies["postgres"].reset()
    check_end(ground, findings, papers, timeout=40)
    check_attempts(ground, findings, papers)


def _stored(ground: Ground) -> list[dict[str, object]]:
    return ground.backend.execute("SELECT id FROM documents WHERE status = 'completed'")


def postgres_stall(ground: Ground, findings: Findings) -> None:
    """It answers no worker, though its connections stay open."""
    papers = [*ground.add(Behaviour.GOOD, 2, seconds=1), *ground.add(Behaviour.GOOD, 10, seconds=0.1)]
    ground.worker()
    ground.enqueue(papers)
    ground.begun(papers[:2])
    ground.proxies["postgres"].stall()
    time.sleep(SILENCE)
    ground.proxies["postgres"].abandon()
    findings.figure(f"silent for {SILENCE:g} s")
    # The server itself ends connections that never said who they are, after a minute: that would be luck.
    check_end(ground, findings, papers, timeout=20)
    check_attempts(ground, findings, papers)


def all_away(ground: Ground, findings: Findings) -> None:
    """A network that is down for a minute, mid-job: many leases and retries long."""
    papers = [*ground.add(Behaviour.GOOD, 4, seconds=3), *ground.add(Behaviour.GOOD, 20, seconds=0.1)]
    for tag in ("A", "B"):
        ground.worker(tag, OCR_GPU_CONCURRENCY="2", ready=tag == "B")
    ground.workers[0].wait_until_ready()
    ground.enqueue(papers)
    ground.begun(papers[:4])
    for server in ("redis", "postgres", "storage"):
        ground.proxies[server].cut()
    time.sleep(OUTAGE)
    for server in ("redis", "postgres", "storage"):
        ground.proxies[server].reset()
    back = time.monotonic()
    ground.wait_for(lambda: ground.listener.count() == len(papers), 60)
    findings.figure(f"away {OUTAGE:g} s, all told {time.monotonic() - back:.1f} s later")
    check_end(ground, findings, papers, timeout=40)
    check_attempts(ground, findings, papers)


def storage_slow(ground: Ground, findings: Findings) -> None:
    """Leases are renewed while a download takes longer than one."""
    papers = ground.add(Behaviour.GOOD, 4)
    ground.worker(OCR_GPU_CONCURRENCY="4")
    ground.proxies["storage"].delay = 3.0
    ground.enqueue(papers)
    check_end(ground, findings, papers, timeout=40)
    check_attempts(ground, findings, papers)


def storage_errors(ground: Ground, findings: Findings) -> None:
    """A store in trouble is ours to wait for."""
    papers = ground.add(Behaviour.GOOD, 10)
    ground.worker()
    rule = Rule((b"GET /",), lambda: True, answer=_ERROR)
    ground.proxies["storage"].rules = [rule]
    ground.enqueue(papers)
    ground.wait_for(lambda: rule.hits >= 6, 20)
    ground.proxies["storage"].reset()
    findings.figure(f"{rule.hits} answers 500")
    check_end(ground, findings, papers, timeout=40)
    check_attempts(ground, findings, papers)


def storage_missing(ground: Ground, findings: Findings) -> None:
    """A file that is not there will not come: those documents fail at once."""
    papers = ground.add(Behaviour.GOOD, 10)
    gone = papers[:3]
    for row in ground.rows(gone).values():
        ground.backend.storage.delete_object(Bucket=ground.backend.bucket, Key=row["file_url"])
    ground.worker()
    ground.enqueue(papers)
    check_end(ground, findings, papers, timeout=30, failed=gone)
    check_attempts(ground, findings, papers)


def storage_broken_off(ground: Ground, findings: Findings) -> None:
    """Half a file is not taken for a file."""
    papers = ground.add(Behaviour.GOOD, 10)
    ground.worker()
    # Beyond the header, which is some 500 bytes, short of the picture's end.
    rule = Rule((b"GET /",), lambda: rule.hits < 6, keep=560)
    ground.proxies["storage"].rules = [rule]
    ground.enqueue(papers)
    check_end(ground, findings, papers, timeout=40)
    findings.figure(f"{rule.hits} bodies cut")
    findings.promise(rule.hits == 6, "fewer bodies were cut than meant")
    check_attempts(ground, findings, papers)


def reviews_away(ground: Ground, findings: Findings) -> None:
    """Results are told meanwhile; later every review arrives, once."""
    papers = ground.add(Behaviour.DOUBTFUL, 20)
    ground.stack.reviews.kill()
    ground.worker()
    ground.enqueue(papers)
    ground.wait_for(lambda: ground.listener.count() == len(papers), 30)
    told = ground.listener.count()
    time.sleep(3)
    ground.stack.reviews.start()
    ground.wait_for(lambda: len(_reviewed(ground)) == len(papers), 60)
    time.sleep(1)
    check_end(ground, findings, papers, timeout=30)
    findings.promise(told == len(papers), f"{len(papers) - told} results waited for the review service")
    reviewed = _reviewed(ground)
    findings.figure(f"{len(reviewed)} reviews arrived, {sum(reviewed.values()) - len(reviewed)} twice")
    findings.none_of((p.id for p in papers if reviewed[p.id] != 1), "not reviewed exactly once")
    findings.none_of((p.id for p in _without_ticket(ground, papers)), "without a ticket")


def _reviewed(ground: Ground) -> Counter[str]:
    return Counter(review.body["documentId"] for review in ground.stack.reviews.received())


def _without_ticket(ground: Ground, papers: list[Paper]) -> list[Paper]:
    rows = ground.rows(papers)
    return [paper for paper in papers if not rows[paper.id]["buli2_ticket_id"]]
