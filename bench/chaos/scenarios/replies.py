"""Requests that went through and whose reply was lost: the worker must ask again, harmlessly."""

import hashlib
from pathlib import Path

import service.queue
from bench.chaos.findings import Findings, check_attempts, check_end
from bench.chaos.ground import Ground
from bench.chaos.pictures import Behaviour
from bench.chaos.proxy import Rule
from bench.chaos.scenarios.servers import COMMITS, STORES_RESULT
from service.store.publisher import PUBLISH_ON_PRIMARY

#: How many replies are lost, spread over the run.
LOST = 5


def lost_take(ground: Ground, findings: Findings) -> None:
    """The next take gets the same job, and it is the same attempt."""
    _lose(ground, findings, "redis", _call_of("fetch"))


def lost_settle(ground: Ground, findings: Findings) -> None:
    """Settling again changes nothing."""
    _lose(ground, findings, "redis", _call_of("finish"))


def lost_publish(ground: Ground, findings: Findings) -> None:
    """The result is told again, under the same job id."""
    _lose(ground, findings, "redis", _evalsha(PUBLISH_ON_PRIMARY))


def lost_commit(ground: Ground, findings: Findings) -> None:
    """Whether the result is stored is looked up, not guessed."""
    _lose(ground, findings, "postgres", STORES_RESULT, COMMITS)


def _lose(ground: Ground, findings: Findings, server: str, *patterns: bytes) -> None:
    papers = ground.add(Behaviour.GOOD, 30, seconds=0.1)
    for tag in ("A", "B"):
        ground.worker(tag, ready=tag == "B")
    ground.workers[0].wait_until_ready()
    rule = Rule(patterns, lambda: rule.hits < LOST and ground.rng.random() < 0.4)
    ground.proxies[server].rules = [rule]
    ground.enqueue(papers)
    check_end(ground, findings, papers, timeout=40)
    findings.figure(f"{rule.hits} replies lost")
    findings.promise(rule.hits == LOST, f"only {rule.hits} replies were lost")
    check_attempts(ground, findings, papers)


def _call_of(script: str) -> bytes:
    """How a call of one of the queue's scripts begins on the wire."""
    folder = Path(service.queue.__file__).parent / "lua"
    text = (folder / "schema.lua").read_text() + (folder / f"{script}.lua").read_text()
    return _evalsha(text)


def _evalsha(text: str) -> bytes:
    """How a call of a script begins on the wire."""
    return b"EVALSHA\r\n$40\r\n" + hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().encode()
