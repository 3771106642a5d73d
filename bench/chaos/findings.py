"""Findings of a scenario: figures for the table, and broken promises."""

from collections import Counter
from collections.abc import Iterable

from bench.chaos.harness import Document, Harness
from bench.chaos.pictures import Behaviour, npwp_number
from service.monitoring.heartbeat import HEARTBEAT_PREFIX
from service.queue.document_queue import WATCH_KEY

#: Broken promises of one kind that are listed.
SPELT_OUT = 3


class Findings:
    """Collected while a scenario plays."""

    def __init__(self) -> None:
        self.figures: list[str] = []
        self.broken: list[str] = []
        #: Why the scenario could not be played; empty when it was.
        self.skipped = ""

    def figure(self, text: str) -> None:
        """Add a figure to the table."""
        self.figures.append(text)

    def skip(self, reason: str) -> None:
        """Say why the scenario cannot be played on this machine."""
        self.skipped = reason
        self.figures.append(f"skipped: {reason}")

    def promise(self, kept: bool, text: str) -> None:
        """Record a broken promise unless it was kept."""
        if not kept:
            self.broken.append(text)

    def promise_in_time(self, harness: Harness, kept: bool, text: str) -> None:
        """Like `promise`, for a promise about time; the short form ignores it."""
        self.promise(kept or harness.short, text)

    def none_of(self, faults: Iterable[str], what: str) -> None:
        """Record faults of one kind as a broken promise, with the first ones listed."""
        found = list(faults)
        if found:
            more = f" and {len(found) - SPELT_OUT} more" if len(found) > SPELT_OUT else ""
            self.broken.append(f"{what}: {', '.join(found[:SPELT_OUT])}{more}")


def check_end(
    harness: Harness,
    findings: Findings,
    documents: list[Document],
    *,
    timeout: float,
    failed: Iterable[Document] = (),
    same_job: bool = True,
) -> None:
    """Wait until every document is done, and check what must hold after any fault.

    Args:
        harness: where the documents are.
        findings: where broken promises go.
        documents: every document that was queued.
        timeout: s until all results must be published and Redis be empty.
        failed: those of them that must have failed for good; all others must be completed.
        same_job: whether a result that is repeated must carry the same `jobId`.
    """
    must_fail = {document.id for document in failed}
    harness.wait_for(lambda: _all_published(harness, documents), timeout)
    harness.wait_for(lambda: not left_behind(harness), 10)
    rows = harness.rows(documents)
    states = Counter(row["status"] for row in rows.values())
    findings.figure(", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    findings.none_of(
        (f"{p.id} is {rows[p.id]['status']}" for p in documents if not _as_expected(p, rows, must_fail)),
        "rows",
    )
    findings.none_of((p.id for p in documents if not harness.listener.of(p.id)), "never published")
    findings.none_of(
        (p.id for p in documents if p.id not in must_fail and not _own_text(p, rows[p.id])),
        "somebody else's text",
    )
    if same_job:
        findings.none_of(
            (p.id for p in documents if len(_jobs(harness, p)) > 1), "published under two job ids"
        )
    findings.none_of(left_behind(harness), "left behind in Redis")
    findings.none_of(_undelivered(harness), "left behind in the outbox")
    repeats = sum(max(0, len(harness.listener.of(p.id)) - 1) for p in documents)
    if repeats:
        findings.figure(f"{repeats} results published again")


def left_behind(harness: Harness) -> list[str]:
    """Return Redis' keys, without the heartbeats of running workers and their watch over the leases."""
    return [
        key
        for key in map(str, harness.backend.redis.keys("*"))
        if not key.startswith((HEARTBEAT_PREFIX, WATCH_KEY))
    ]


def _all_published(harness: Harness, documents: list[Document]) -> bool:
    if not all(harness.listener.of(document.id) for document in documents):
        return False
    return all(row["status"] in ("completed", "failed") for row in harness.rows(documents).values())


def _as_expected(document: Document, rows: dict[str, dict[str, object]], must_fail: set[str]) -> bool:
    return rows[document.id]["status"] == ("failed" if document.id in must_fail else "completed")


def _own_text(document: Document, row: dict[str, object]) -> bool:
    # What a wrong state says about the row is said elsewhere.
    if document.marks.behaviour is Behaviour.DOUBTFUL or row["status"] != "completed":
        return True
    parsed = row["result_json"]
    return isinstance(parsed, dict) and parsed.get("npwpNumber") == npwp_number(document.marks.serial)


def _jobs(harness: Harness, document: Document) -> set[str]:
    return {published.result["jobId"] for published in harness.listener.of(document.id)}


def _undelivered(harness: Harness) -> list[str]:
    harness.wait_for(lambda: not _undelivered_rows(harness), 10)
    return [f"{row['kind']} of {row['document_id']}" for row in _undelivered_rows(harness)]


def _undelivered_rows(harness: Harness) -> list[dict[str, str]]:
    return harness.backend.execute("SELECT kind, document_id FROM ocr_worker.outbox WHERE told_at IS NULL")


def check_attempts(harness: Harness, findings: Findings, documents: list[Document], most: int = 1) -> None:
    """Check that no document was read under a higher attempt than ``most``."""
    takes = Counter(event.serial for event in harness.trace.events("begin"))
    findings.figure(f"at most {max(takes.values(), default=0)} readings of a document")
    attempts = highest_attempts(harness)
    burnt = (f"{p.id} had {attempts[p.id]}" for p in documents if attempts.get(p.id, 0) > most)
    findings.none_of(burnt, "attempts burnt")


def highest_attempts(harness: Harness) -> dict[str, int]:
    """The highest attempt that the workers' logs give each document.

    A line without a device is of the delivery of a result or review, which counts its own attempts.
    """
    highest: dict[str, int] = {}
    for line in harness.log_lines():
        if "attempt" in line and "document_id" in line and line.get("device") != "none":
            highest[line["document_id"]] = max(highest.get(line["document_id"], 0), int(line["attempt"]))
    return highest
