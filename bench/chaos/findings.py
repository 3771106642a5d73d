"""What a scenario found: figures for the table, and promises that were broken."""

from collections import Counter
from collections.abc import Iterable

from bench.chaos.ground import Ground, Paper
from bench.chaos.pictures import Behaviour, npwp_number
from service.monitoring.heartbeat import HEARTBEAT_PREFIX
from service.queue.document_queue import WATCH_KEY

#: How many broken promises of one kind are spelt out.
SPELT_OUT = 3


class Findings:
    """Collected while a scenario plays."""

    def __init__(self) -> None:
        self.figures: list[str] = []
        self.broken: list[str] = []

    def figure(self, text: str) -> None:
        """Note something for the table."""
        self.figures.append(text)

    def promise(self, kept: bool, text: str) -> None:
        """Note that something that was promised is not so, unless it is."""
        if not kept:
            self.broken.append(text)

    def promise_in_time(self, ground: Ground, kept: bool, text: str) -> None:
        """The same of a promise about seconds; the short form plays beside other tests, and judges none."""
        self.promise(kept or ground.short, text)

    def none_of(self, faults: Iterable[str], what: str) -> None:
        """Note the faults of one kind, the first ones word for word."""
        found = list(faults)
        if found:
            more = f" and {len(found) - SPELT_OUT} more" if len(found) > SPELT_OUT else ""
            self.broken.append(f"{what}: {', '.join(found[:SPELT_OUT])}{more}")


def check_end(
    ground: Ground,
    findings: Findings,
    papers: list[Paper],
    *,
    timeout: float,
    failed: Iterable[Paper] = (),
    same_job: bool = True,
) -> None:
    """Wait until every document is dealt with, and check what must be so after any fault.

    Args:
        ground: where the documents are.
        findings: where broken promises go.
        papers: every document that was queued.
        timeout: seconds until they all must have been told and Redis be empty.
        failed: those of them that must have failed for good; all others must be completed.
        same_job: whether a result that is repeated must carry the same `jobId`.
    """
    must_fail = {paper.id for paper in failed}
    ground.wait_for(lambda: _all_told(ground, papers), timeout)
    ground.wait_for(lambda: not left_behind(ground), 10)
    rows = ground.rows(papers)
    states = Counter(row["status"] for row in rows.values())
    findings.figure(", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    findings.none_of(
        (f"{p.id} is {rows[p.id]['status']}" for p in papers if not _as_expected(p, rows, must_fail)), "rows"
    )
    findings.none_of((p.id for p in papers if not ground.listener.of(p.id)), "never told")
    findings.none_of(
        (p.id for p in papers if p.id not in must_fail and not _own_text(p, rows[p.id])),
        "somebody else's text",
    )
    if same_job:
        findings.none_of((p.id for p in papers if len(_jobs(ground, p)) > 1), "told under two job ids")
    findings.none_of(left_behind(ground), "left behind in Redis")
    findings.none_of(_untold(ground), "left behind in the outbox")
    repeats = sum(max(0, len(ground.listener.of(p.id)) - 1) for p in papers)
    if repeats:
        findings.figure(f"{repeats} results told again")


def left_behind(ground: Ground) -> list[str]:
    """Redis' keys but for the living workers' heartbeats and their watch over the leases."""
    return [
        key
        for key in map(str, ground.backend.redis.keys("*"))
        if not key.startswith((HEARTBEAT_PREFIX, WATCH_KEY))
    ]


def _all_told(ground: Ground, papers: list[Paper]) -> bool:
    if not all(ground.listener.of(paper.id) for paper in papers):
        return False
    return all(row["status"] in ("completed", "failed") for row in ground.rows(papers).values())


def _as_expected(paper: Paper, rows: dict[str, dict[str, object]], must_fail: set[str]) -> bool:
    return rows[paper.id]["status"] == ("failed" if paper.id in must_fail else "completed")


def _own_text(paper: Paper, row: dict[str, object]) -> bool:
    # What a wrong state says about the row is said elsewhere.
    if paper.marks.behaviour is Behaviour.DOUBTFUL or row["status"] != "completed":
        return True
    parsed = row["result_json"]
    return isinstance(parsed, dict) and parsed.get("npwpNumber") == npwp_number(paper.marks.serial)


def _jobs(ground: Ground, paper: Paper) -> set[str]:
    return {published.result["jobId"] for published in ground.listener.of(paper.id)}


def _untold(ground: Ground) -> list[str]:
    ground.wait_for(lambda: not _untold_rows(ground), 10)
    return [f"{row['kind']} of {row['document_id']}" for row in _untold_rows(ground)]


def _untold_rows(ground: Ground) -> list[dict[str, str]]:
    return ground.backend.execute("SELECT kind, document_id FROM ocr_worker.outbox WHERE told_at IS NULL")


def check_attempts(ground: Ground, findings: Findings, papers: list[Paper], most: int = 1) -> None:
    """Check that no document was begun under a higher attempt than it may."""
    takes = Counter(event.serial for event in ground.trace.events("begin"))
    findings.figure(f"at most {max(takes.values(), default=0)} readings of a document")
    attempts = highest_attempts(ground)
    burnt = (f"{p.id} had {attempts[p.id]}" for p in papers if attempts.get(p.id, 0) > most)
    findings.none_of(burnt, "attempts burnt")


def highest_attempts(ground: Ground) -> dict[str, int]:
    """The highest attempt that the workers' logs give each document.

    A line without a device is of the delivery of a result or review, which counts its own attempts.
    """
    highest: dict[str, int] = {}
    for line in ground.log_lines():
        if "attempt" in line and "document_id" in line and line.get("device") != "none":
            highest[line["document_id"]] = max(highest.get(line["document_id"], 0), int(line["attempt"]))
    return highest
