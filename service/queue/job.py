"""A document that was fetched, and how its fetch ends."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from service.reading.ocr.primitives import Device

#: How a fetch ends: finished, to be retried after a delay, or back at the head of the list at once.
Outcome: TypeAlias = Literal["done", "retry", "requeue"]


@dataclass(frozen=True, slots=True)
class Job:
    """A document that was fetched, for one attempt."""

    document_id: str
    #: Minted at the first fetch, kept until the job is finished: tells a redelivery from a new job.
    job_id: str
    correlation_id: str
    #: Proof of this fetch; worthless once the job was given to another worker.
    token: str
    #: Fetches so far, this one included, less those that did not count.
    attempt: int
    #: How often the job was put off; the exponent of its backoff.
    deferrals: int
    #: Epoch ms of this fetch by the Redis server's clock; grows from fetch to fetch.
    fencing_token: int
    #: How often its lease expired: each time, it may have killed its worker.
    crash_count: int
    #: Whether its attempts were used up before this fetch: it is only to be failed for good.
    used_up: bool
    #: The device that must read it; None: whichever the worker prefers.
    device: Device | None

    def named(self) -> dict[str, Any]:
        """Log fields that identify the job; the device is ``any`` where it is not fixed."""
        return {
            "document_id": self.document_id,
            "job_id": self.job_id,
            "correlation_id": self.correlation_id,
            "attempt": self.attempt,
            "device": self.device or "any",
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """What to do with a job when its fetch ends."""

    outcome: Outcome
    #: s until it is due again, for ``retry``.
    delay: float = 0.0
    #: False when the attempt should not count against the job: the fault was ours.
    counts: bool = True
    device: Device | None = None


#: The default settlement: the job returns to the head of the list, and the attempt does not count.
RETURN_UNCOUNTED = Settlement("requeue", counts=False)


def parse_job(token: str, fields: list[str]) -> Job:
    """Build a job from what the script `fetch` returns."""
    (
        document_id,
        job_id,
        correlation_id,
        attempt,
        deferrals,
        fencing_token,
        crash_count,
        device,
        used_up,
    ) = fields
    return Job(
        document_id=document_id,
        job_id=job_id,
        correlation_id=correlation_id,
        token=token,
        attempt=int(attempt),
        deferrals=int(deferrals),
        fencing_token=int(fencing_token),
        crash_count=int(crash_count),
        used_up=bool(used_up),
        device=cast(Device, device) if device else None,
    )
