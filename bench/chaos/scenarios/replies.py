"""Scenarios of lost replies: the request was executed, and the worker must repeat it safely."""

import hashlib
from pathlib import Path

import service.queue
from bench.chaos.findings import Findings, check_attempts, check_end
from bench.chaos.harness import Harness
from bench.chaos.pictures import Behaviour
from bench.chaos.proxy import Rule
from bench.chaos.scenarios.servers import COMMITS, STORES_RESULT
from service.store.publisher import PUBLISH_ON_PRIMARY

#: How many replies are lost, spread over the run.
LOST = 5


def lost_take(harness: Harness, findings: Findings) -> None:
    """The next fetch returns the same job under the same attempt."""
    _lose(harness, findings, "redis", call_of("fetch"))


def lost_settle(harness: Harness, findings: Findings) -> None:
    """Finishing again changes nothing."""
    _lose(harness, findings, "redis", call_of("finish"))


def lost_publish(harness: Harness, findings: Findings) -> None:
    """The result is published again under the same job id."""
    _lose(harness, findings, "redis", _evalsha(PUBLISH_ON_PRIMARY))


def lost_commit(harness: Harness, findings: Findings) -> None:
    """The worker looks up whether the result was stored."""
    _lose(harness, findings, "postgres", STORES_RESULT, COMMITS)


def _lose(harness: Harness, findings: Findings, server: str, *patterns: bytes) -> None:
    documents = harness.add(Behaviour.GOOD, 30, seconds=0.1)
    for tag in ("A", "B"):
        harness.worker(tag, ready=tag == "B")
    harness.workers[0].wait_until_ready()
    rule = Rule(patterns, lambda: rule.hits < LOST and harness.rng.random() < 0.4)
    harness.proxies[server].rules = [rule]
    harness.enqueue(documents)
    check_end(harness, findings, documents, timeout=40)
    findings.figure(f"{rule.hits} replies lost")
    findings.promise(rule.hits == LOST, f"only {rule.hits} replies were lost")
    check_attempts(harness, findings, documents)


def call_of(script: str) -> bytes:
    """How a call of one of the queue's scripts begins on the wire."""
    folder = Path(service.queue.__file__).parent / "lua"
    text = (folder / "schema.lua").read_text() + (folder / f"{script}.lua").read_text()
    return _evalsha(text)


def _evalsha(text: str) -> bytes:
    """How a call of a script begins on the wire."""
    return b"EVALSHA\r\n$40\r\n" + hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().encode()
