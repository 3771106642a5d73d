"""The fault scenarios, one function each, in the order of the table."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.chaos.findings import Findings
from bench.chaos.harness import Harness
from bench.chaos.scenarios import (
    drips,
    each_process,
    failovers,
    processes,
    queues,
    redis,
    replies,
    rollout,
    rows,
    servers,
    stops,
)

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
    Scenario("kill-supervisor", "the supervisor killed", each_process.supervisor),
    Scenario("kill-master", "Dramatiq's master killed", each_process.master),
    Scenario("kill-reader", "the process that reads killed", each_process.reader),
    Scenario("kill-decoder", "decoders killed over a file", each_process.decoder, in_short=True),
    Scenario("kill-tesseract", "Tesseract killed over a page", each_process.tesseract),
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
    Scenario(
        "postgres-read-only",
        "PostgreSQL read-only mid-job, open connections too",
        failovers.postgres_read_only,
        in_short=True,
    ),
    Scenario(
        "postgres-never-writes",
        "the same until the worker is stopped, and for the next one",
        failovers.postgres_read_only_for_good,
    ),
    Scenario("postgres-rights", "the right to write FiLot's table revoked", failovers.postgres_rights),
    Scenario(
        "postgres-failover",
        "a standby takes over, old connections lead to the old primary",
        failovers.postgres_failover,
    ),
    Scenario("pgbouncer", "PgBouncer in transaction mode, killed once", failovers.pgbouncer),
    Scenario("redis-rights", "the right to publish taken away", failovers.redis_rights),
    Scenario(
        "redis-failover",
        "a replica takes over, old connections lead to the old primary",
        failovers.redis_failover,
        in_short=True,
    ),
    Scenario("minute", "Redis, PostgreSQL and storage away for a minute mid-job", servers.all_away),
    Scenario("storage-slow", "storage slow", servers.storage_slow),
    Scenario("storage-500", "storage answers 500 at first", servers.storage_errors),
    Scenario("storage-404", "storage has lost some objects", servers.storage_missing),
    Scenario("storage-cut", "storage breaks off within a body", servers.storage_broken_off),
    Scenario("reviews-away", "review service away for the whole run, then back", servers.reviews_away),
    Scenario("drip-redis", "Redis sends a byte now and then", drips.redis),
    Scenario("drip-postgres", "PostgreSQL sends a byte now and then", drips.postgres),
    Scenario("drip-storage", "storage sends a byte now and then", drips.storage),
    Scenario("drip-reviews", "the review service sends a byte now and then", drips.reviews),
    Scenario(
        "row-changed",
        "rows deleted, replaced, completed and failed mid-job",
        rows.changed_rows,
        in_short=True,
    ),
    Scenario("reply-take", "replies to take lost", replies.lost_take, in_short=True),
    Scenario("reply-settle", "replies to settle lost", replies.lost_settle),
    Scenario("reply-publish", "replies to PUBLISH lost", replies.lost_publish),
    Scenario("reply-commit", "replies to COMMIT lost", replies.lost_commit, in_short=True),
    Scenario("backlog", "a long list before one slow worker", queues.backlog),
    Scenario("million", "a million documents wait", queues.million),
    Scenario("rollout", "the original worker beside ours, then its end", rollout.original_worker),
    Scenario("same-id", "two backends push the same ids at once", queues.same_ids),
    Scenario("real-engine", "worker and Redis killed under the real OCR engine", processes.real_engine),
)
