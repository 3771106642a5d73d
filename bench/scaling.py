"""Simulates the stack's scaling over loads of a day or two, with the program's own alarms and policies.

`make simulate-scaling` prints the table that docs/infrastructure-reference.md keeps, in .venv-infra. A model:
arrivals are random (seeded), workers are alike and always as fast as measured.
"""

import math
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudless.cloudwatch import Autoscaler, Samples
from cloudless.deployment import Deployment, production_config
from cloudless.server import Aws, local_aws

from bench.day import DAY, light
from infra_pulumi.names import Names

#: Documents a second of one worker: measured for the CPU engine on two cores (docs/benchmarks.md).
RATE = 7.4

#: Documents that a worker processes at a time.
CONCURRENCY = 2

#: Minutes from adding a worker to its first document: boot, image, warm-up. An assumption.
START_MINUTES = 6

SEED = 20

WORKER = Names("production").worker


@dataclass(frozen=True)
class Load:
    """Documents that arrive, on average, in each minute."""

    name: str
    minutes: int
    per_minute: Callable[[int], float]
    #: Workers at the beginning.
    workers: int = 1


LOADS = (
    Load("day of light traffic, four workers left from a burst", DAY, light, workers=4),
    Load(
        "the same with a burst of 30,000 documents at ten",
        DAY,
        lambda m: light(m) + 1_000 * (600 <= m < 630),
    ),
    Load(
        "busy office hours, 900 documents a minute from nine to five",
        DAY,
        lambda m: 900 * (540 <= m < 1020) + 1,
    ),
    Load("weekend, two batches of 3,000", 2 * DAY, lambda m: 0.1 + 300 * (m % DAY in range(720, 730))),
)


@dataclass(frozen=True)
class Outcome:
    """What a simulation came to."""

    documents: int
    worker_hours: float
    ideal_hours: float
    #: Minutes that the documents at the end of the longest queue waited.
    longest_wait: float
    changes: int


@dataclass(frozen=True)
class Policies:
    """Scalable target, scaling policies and alarms of a stack, as AWS describes them."""

    target: Mapping[str, Any]
    policies: Sequence[Mapping[str, Any]]
    alarms: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, aws: Aws) -> "Policies":
        """Those of the production stack on a server."""
        scaling, which = aws("application-autoscaling"), {"ServiceNamespace": "ecs"}
        resource = f"service/filot-production/{WORKER}"
        (target,) = scaling.describe_scalable_targets(**which, ResourceIds=[resource])["ScalableTargets"]
        policies = scaling.describe_scaling_policies(**which, ResourceId=resource)["ScalingPolicies"]
        alarms = aws("cloudwatch").describe_alarms(AlarmNamePrefix=WORKER)["MetricAlarms"]
        return cls(target, policies, alarms)

    def with_empty_queue_scale_in(self) -> "Policies":
        """For comparison: a worker is removed once no worker has seen a waiting document for ten minutes."""
        alarms = [
            alarm if not alarm["AlarmName"].endswith("-scale-in") else {**_EMPTY_QUEUE, **_kept(alarm)}
            for alarm in self.alarms
        ]
        return Policies(self.target, self.policies, alarms)


_EMPTY_QUEUE = {
    **{"Namespace": "FiLot", "MetricName": "QueueLength", "Statistic": "Maximum", "Period": 60},
    **{"ComparisonOperator": "LessThanThreshold", "Threshold": 1, "EvaluationPeriods": 10},
}


def _kept(alarm: Mapping[str, Any]) -> dict[str, Any]:
    return {key: alarm[key] for key in ("AlarmName", "AlarmActions", "TreatMissingData")}


def simulate(load: Load, stack: Policies, seed: int = SEED) -> Outcome:
    """Run one load minute by minute."""
    draw = random.Random(seed)
    scaler = Autoscaler(stack.target, stack.policies, stack.alarms, desired=load.workers)
    ready_at = [0] * load.workers
    samples = Samples()
    queue, documents, worker_minutes, ideal, longest = 0, 0, 0, 0, 0.0
    for minute in range(load.minutes):
        arrived = _poisson(draw, load.per_minute(minute))
        ready = sum(1 for start in ready_at if start <= minute)
        before = queue + arrived
        queue = max(0, before - int(ready * RATE * 60))
        busy = min(1.0, before / (ready * RATE * 60))
        documents += arrived
        worker_minutes += scaler.desired
        ideal += max(stack.target["MinCapacity"], math.ceil(arrived / (RATE * 60)))
        longest = max(longest, queue / (ready * RATE * 60))
        for _ in range(ready):
            # A report finds what waits at a moment of the minute: some of what has just arrived, too.
            seen = queue + min(arrived, draw.randint(0, 2))
            samples.add(minute, "QueueLength", seen)
            samples.add(minute, "ActiveJobs", sum(draw.random() < busy for _ in range(CONCURRENCY)))
            samples.add(minute, "Heartbeat", 1)
        scaler.step(samples, minute + 1)
        ready_at = ready_at[: scaler.desired]
        ready_at += [minute + START_MINUTES] * (scaler.desired - len(ready_at))
    return Outcome(documents, worker_minutes / 60, ideal / 60, longest, len(scaler.activities))


def _poisson(draw: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    count, product, limit = 0, draw.random(), math.exp(-mean)
    while product > limit:
        count, product = count + 1, product * draw.random()
    return count


def table(stack: Policies) -> str:
    """All loads, with this stack's policies and with the one for comparison."""
    lines = [
        "| load | documents | worker-hours, ideal | as configured | removed only at an empty queue | "
        "longest wait, min | changes |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for load in LOADS:
        ours, other = simulate(load, stack), simulate(load, stack.with_empty_queue_scale_in())
        lines.append(
            f"| {load.name} | {ours.documents:,} | {ours.ideal_hours:.1f} | {ours.worker_hours:.1f} | "
            f"{other.worker_hours:.1f} | {ours.longest_wait:.1f} | {ours.changes} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Deploy the production stack on a local server and print the table."""
    with local_aws() as new_account:
        aws = new_account()
        Deployment(aws).up(production_config(aws))
        print(table(Policies.of(aws)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
