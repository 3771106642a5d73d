"""Counts outcomes, retries and durations of jobs."""

from typing import Any

from dramatiq import Broker, MessageProxy, Middleware

from service.errors import DeviceError, EngineError, LeaseLostError, UnavailableError
from service.monitoring.cloudwatch import CloudWatch
from service.queue.active_jobs import ActiveJobs
from service.queue.job_context import JobContext
from service.store.result import EarlierResult
from service.telemetry.metrics import CPU_FALLBACKS, PROCESSING, RESULTS, RETRIES, STAGE


class JobMetrics(Middleware):
    """Counts results, retries and CPU fallbacks; runs after the middleware that decide about them.

    Parameters:
        active_jobs: since when a job is active
        cloudwatch: counts every outcome, and writes a last report at shutdown
    """

    def __init__(self, active_jobs: ActiveJobs, cloudwatch: CloudWatch) -> None:
        self.active_jobs = active_jobs
        self.cloudwatch = cloudwatch

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Observe how long the job waited for a thread."""
        job = JobContext.of(message).job
        if job is not None:
            STAGE.labels("take_wait").observe(self.active_jobs.age(job.token))

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Count the outcome."""
        context = JobContext.of(message)
        if context.job is None:
            return
        if isinstance(exception, DeviceError):
            CPU_FALLBACKS.labels(type(exception).__name__).inc()
        elif isinstance(exception, LeaseLostError):
            pass  # Another worker owns the document and counts it.
        elif context.settlement is not None and context.settlement.outcome == "retry":
            RETRIES.labels(_cause(exception)).inc()
        elif isinstance(context.result, EarlierResult):
            pass  # Whoever stored it has counted it.
        elif exception is None and context.result is not None:
            seconds = self.active_jobs.age(context.job.token)
            RESULTS.labels(context.result.final_outcome, context.result.device).inc()
            PROCESSING.observe(seconds)
            self.cloudwatch.count(
                failed=not context.result.success,
                milliseconds=round(seconds * 1000),
                on_cpu=context.result.device == "cpu",
            )

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Report what was counted since the last report."""
        self.cloudwatch.report()


def _cause(exception: BaseException | None) -> str:
    if isinstance(exception, UnavailableError):
        return "server_away"
    return "engine" if isinstance(exception, EngineError) else "unforeseen"
