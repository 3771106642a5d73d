"""Outcomes and durations are counted where a job's end is known."""

from dataclasses import dataclass
from typing import Any, Self

from dramatiq import Broker, MessageProxy, Middleware

from service.errors import DeviceError, EngineError, UnavailableError
from service.intake.broker import DOCUMENTS
from service.intake.in_hand import InHand
from service.intake.ledger import Job, Settlement
from service.metrics.cloudwatch import CloudWatch
from service.metrics.instruments import CPU_FALLBACKS, PROCESSING, RESULTS, RETRIES, STAGE
from service.result import GPUOCRResult


@dataclass(frozen=True, slots=True)
class Ending:
    """How a document ended: what the metrics keep of a result."""

    #: ``auto_approved``, ``pending_manual_review`` or ``failed``.
    outcome: str
    #: ``cuda``, ``cpu``, or ``none`` when nothing was read.
    device: str

    @classmethod
    def of(cls, result: GPUOCRResult) -> Self:
        """The ending of one result."""
        if not result.success:
            return cls("failed", "none")
        return cls(result.outcome or "", "cuda" if result.gpu_processed else "cpu")


class Metering(Middleware):
    """Counts results, retries and fallbacks; outside of whatever decides about them.

    Parameters:
        in_hand: since when a job is in work
        cloudwatch: told of every end, and asked for its last report
    """

    def __init__(self, in_hand: InHand, cloudwatch: CloudWatch) -> None:
        self.in_hand = in_hand
        self.cloudwatch = cloudwatch

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Note how long the job waited for a thread."""
        if message.queue_name == DOCUMENTS:
            job: Job = message.options["job"]
            STAGE.labels("take_wait").observe(self.in_hand.age(job.token))

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Count how it ended."""
        if message.queue_name != DOCUMENTS:
            return
        settlement: Settlement | None = message.options.get("settlement")
        ending: Ending | None = message.options.get("ending")
        if isinstance(exception, DeviceError):
            CPU_FALLBACKS.labels(type(exception).__name__).inc()
        elif settlement is not None and settlement.outcome == "later":
            RETRIES.labels(_cause(exception)).inc()
        elif exception is None and ending is not None:
            job: Job = message.options["job"]
            seconds = self.in_hand.age(job.token)
            RESULTS.labels(ending.outcome, ending.device).inc()
            PROCESSING.observe(seconds)
            self.cloudwatch.count(
                failed=ending.outcome == "failed",
                milliseconds=round(seconds * 1000),
                on_cpu=ending.device == "cpu",
            )

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Report what ended since the last report."""
        self.cloudwatch.report()


def _cause(exception: BaseException | None) -> str:
    if isinstance(exception, UnavailableError):
        return "server_away"
    return "engine" if isinstance(exception, EngineError) else "unforeseen"
