"""The fault scenarios, one function each, in the order of the table."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.chaos.findings import Findings
from bench.chaos.harness import Harness
from bench.chaos.scenarios import processes, queues, redis, replies, servers, stops

Play = Callable[[Harness, Findings], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table."""

    name: str
    #: What happens, in a phrase.
    fault: str
    play: Play
    #: Whether it is part of the short form.
    in_short: bool = False


SCENARIOS = (
    Scenario("kill", "workers killed every 0.7 s", processes.killed_workers, in_short=True),
    Scenario("poison", "a document that kills its process natively", processes.poison),
    Scenario("hang", "an OCR call that never returns from C", processes.hanging_calls),
    Scenario("hang-locked", "the same, holding Python's lock", processes.frozen_calls),
    Scenario("freeze", "a worker frozen past its lease and thawed", processes.frozen_worker, in_short=True),
    Scenario("clock-ahead", "one worker's clock 5 min ahead", processes.clock_ahead),
    Scenario("clock-behind", "one worker's clock 5 min behind", processes.clock_behind),
    Scenario("stop-short", "SIGTERM during short jobs", stops.short_jobs, in_short=True),
    Scenario("stop-long", "SIGTERM during a long job", stops.long_job, in_short=True),
    Scenario("stop-twice", "SIGTERM twice during a long job", stops.twice),
    Scenario("redis-restart", "Redis killed mid-job, away for longer than a lease", redis.restart),
    Scenario("redis-failing", "Redis killed while a job is failing", redis.restart_while_failing),
    Scenario("redis-empty", "Redis back without its data", redis.empty, in_short=True),
    Scenario("redis-stall", "Redis silent for longer than a lease", redis.stall),
    Scenario("postgres-away", "PostgreSQL stopped mid-job", servers.postgres_away),
    Scenario(
        "postgres-commit", "PostgreSQL killed between commit and publish", servers.postgres_after_commit
    ),
    Scenario("postgres-stall", "PostgreSQL silent mid-job", servers.postgres_stall),
    Scenario("minute", "Redis, PostgreSQL and storage away for a minute mid-job", servers.all_away),
    Scenario("storage-slow", "storage slow", servers.storage_slow),
    Scenario("storage-500", "storage answers 500 at first", servers.storage_errors),
    Scenario("storage-404", "storage has lost some objects", servers.storage_missing),
    Scenario("storage-cut", "storage breaks off within a body", servers.storage_broken_off),
    Scenario("reviews-away", "review service away for the whole run, then back", servers.reviews_away),
    Scenario("reply-take", "replies to take lost", replies.lost_take, in_short=True),
    Scenario("reply-settle", "replies to settle lost", replies.lost_settle),
    Scenario("reply-publish", "replies to PUBLISH lost", replies.lost_publish),
    Scenario("reply-commit", "replies to COMMIT lost", replies.lost_commit, in_short=True),
    Scenario("backlog", "a long list before one slow worker", queues.backlog),
    Scenario("same-id", "two backends push the same ids at once", queues.same_ids),
    Scenario("real-engine", "worker and Redis killed under the real OCR engine", processes.real_engine),
)
