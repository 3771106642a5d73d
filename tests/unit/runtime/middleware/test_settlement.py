"""How a job is finished follows from how its actor ended."""

import pytest

from service.errors import DeviceError, EngineError, LeaseLostError, UnavailableError
from service.queue.broker import DOCUMENTS
from service.queue.document_queue import Settlement
from service.queue.job_context import JobContext
from service.runtime.middleware.settlement import MAX_DELAY, SettlementPolicy
from tests.support.fake_active_jobs import FakeActiveJobs
from tests.support.messages import document_message, review_message


@pytest.fixture
def active_jobs() -> FakeActiveJobs:
    return FakeActiveJobs()


@pytest.fixture
def policy(active_jobs: FakeActiveJobs) -> SettlementPolicy:
    return SettlementPolicy(active_jobs)


def settle(policy: SettlementPolicy, error: Exception | None, deferrals: int = 0) -> Settlement:
    """The settlement of a job that ended so."""
    message = document_message(deferrals=deferrals)
    policy.after_process_message(None, message, exception=error)  # type: ignore[arg-type]
    settlement = JobContext.of(message).settlement
    assert settlement is not None
    return settlement


def test_a_job_that_ended_well_is_done(policy: SettlementPolicy) -> None:
    assert settle(policy, None) == Settlement("done")


@pytest.mark.parametrize("error", [EngineError("broken"), ValueError("unforeseen")])
def test_a_failure_is_retried_later_and_counts(policy: SettlementPolicy, error: Exception) -> None:
    settlement = settle(policy, error)

    assert (settlement.outcome, settlement.counts) == ("retry", True)
    assert settlement.delay > 0


def test_an_outage_of_our_servers_is_retried_later_without_counting_and_pauses_fetching(
    policy: SettlementPolicy, active_jobs: FakeActiveJobs
) -> None:
    settlement = settle(policy, UnavailableError("PostgreSQL is away"))
    paused = active_jobs.may_fetch()
    settle(policy, None)

    assert (settlement.outcome, settlement.counts) == ("retry", False)
    assert settlement.delay > 0
    assert paused is False
    assert active_jobs.may_fetch()


def test_a_fetch_that_another_writer_overtook_waits_without_counting(policy: SettlementPolicy) -> None:
    settlement = settle(policy, LeaseLostError("another fetch owns the document"))

    assert (settlement.outcome, settlement.counts) == ("retry", False)
    assert settlement.delay > 0


def test_delays_grow_up_to_a_limit(policy: SettlementPolicy) -> None:
    delays = [settle(policy, EngineError("broken"), deferrals).delay for deferrals in (0, 50)]

    assert delays[0] < delays[1] <= MAX_DELAY


def test_a_settlement_that_was_decided_before_stays(policy: SettlementPolicy) -> None:
    message = document_message()
    decided = JobContext.of(message).settlement = Settlement("requeue", counts=False, device="cpu")

    policy.after_process_message(None, message, exception=DeviceError("lost"))  # type: ignore[arg-type]

    assert JobContext.of(message).settlement is decided


def test_a_review_is_not_settled_in_redis(policy: SettlementPolicy) -> None:
    message = review_message()

    policy.after_process_message(None, message)  # type: ignore[arg-type]

    assert message.queue_name != DOCUMENTS
    assert JobContext.of(message).settlement is None
