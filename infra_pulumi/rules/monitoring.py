"""Laws of logs, alarms and scaling steps: mostly what would never fire."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from infra_pulumi import metrics
from infra_pulumi.config import RETENTION_DAYS
from infra_pulumi.names import CONTAINER
from infra_pulumi.rules.declared import Declared, Rule, Stack

#: Metrics of AWS, and the dimensions that they are published with.
_KNOWN: Mapping[tuple[str, str], frozenset[str]] = {
    ("AWS/ECS", "CPUUtilization"): frozenset({"ClusterName", "ServiceName"}),
    ("AWS/ECS", "MemoryUtilization"): frozenset({"ClusterName", "ServiceName"}),
    ("AWS/ECS/ManagedScaling", "CapacityProviderReservation"): frozenset(
        {"CapacityProviderName", "ClusterName"}
    ),
}

#: Seconds that all periods of an alarm may cover together.
_A_DAY = 86_400

#: Values at which an alarm must fire. CapacityProviderReservation is 200 if tasks wait and no instance runs.
_HIGHEST = {"CapacityProviderReservation": 200, "share": 100}

_ALARM = "cloudwatch/metricAlarm:MetricAlarm"
_POLICY = "appautoscaling/policy:Policy"


def logs_expire(stack: Stack) -> Iterator[str]:
    """Logs expire after a number of days that CloudWatch accepts."""
    for group in stack.of("cloudwatch/logGroup:LogGroup"):
        if group.props.get("retentionInDays") not in RETENTION_DAYS:
            yield f"{group.name} keeps logs for {group.props.get('retentionInDays')} days"


def alarms_watch_what_exists(stack: Stack) -> Iterator[str]:
    """Alarms watch metrics that are published, with the dimensions that they are published with."""
    namespaces = {
        item["value"]
        for container in stack.containers()
        for item in container["environment"]
        if item["name"] == "METRICS_NAMESPACE"
    }
    own = {(space, name): frozenset({metrics.DIMENSION}) for space in namespaces for name in metrics.ALL}
    known = {**_KNOWN, **own}
    for alarm in stack.of(_ALARM):
        for metric in _metrics(alarm):
            key = (str(metric.get("namespace")), str(metric.get("metricName")))
            dimensions = metric.get("dimensions") or {}
            if key not in known:
                yield f"{alarm.name}: nobody publishes {key[0]} {key[1]}"
            elif set(dimensions) != known[key]:
                yield f"{alarm.name}: {key[1]} does not have the dimensions {sorted(dimensions)}"
            elif dimensions.get(metrics.DIMENSION, CONTAINER) != CONTAINER:
                yield f"{alarm.name}: {metrics.DIMENSION} is {dimensions[metrics.DIMENSION]}, not {CONTAINER}"


def alarms_can_fire(stack: Stack) -> Iterator[str]:
    """Alarms have thresholds that can be crossed within the time that CloudWatch evaluates."""
    for alarm in stack.of(_ALARM):
        threshold = float(alarm.props["threshold"])
        below = alarm.text("comparisonOperator").startswith("LessThan")
        highest = min((_HIGHEST[name] for name in _watched(alarm) if name in _HIGHEST), default=None)
        if below and threshold <= 0:
            yield f"{alarm.name}: nothing is less than {threshold:g}"
        if not below and highest is not None and threshold >= highest:
            yield f"{alarm.name}: nothing is more than {threshold:g}"
        periods = [int(metric.get("period", 0)) for metric in _metrics(alarm)]
        if any(period < 60 or period % 60 for period in periods):
            yield f"{alarm.name}: a period is not whole minutes"
        evaluated = int(alarm.props["evaluationPeriods"])
        if max(periods) * evaluated > _A_DAY:
            yield f"{alarm.name}: looks back over more than a day"
        if int(alarm.props.get("datapointsToAlarm") or 0) > evaluated:
            yield f"{alarm.name}: wants more data points than it looks at"


def alarms_have_actions(stack: Stack) -> Iterator[str]:
    """Alarms have actions, and those that count samples treat missing data as breaching."""
    for alarm in stack.of(_ALARM):
        if not alarm.items("alarmActions") or alarm.props.get("actionsEnabled") is False:
            yield f"{alarm.name} has no action"
        counts = alarm.text("statistic") == "SampleCount"
        if counts and alarm.text("treatMissingData") != "breaching":
            yield f"{alarm.name} counts samples and treats missing data as {alarm.text('treatMissingData')}"


def queue_is_never_summed(stack: Stack) -> Iterator[str]:
    """Every worker reports the same queue: its length is never summed over workers."""
    for alarm in stack.of(_ALARM):
        for metric in _metrics(alarm):
            if metric.get("metricName") == metrics.QUEUE_LENGTH and _statistic(metric) == "Sum":
                yield f"{alarm.name} sums the queue's length over workers"


def steps_cover_all(stack: Stack) -> Iterator[str]:
    """Steps follow each other without a gap, from the threshold to infinity."""
    for policy in stack.of(_POLICY):
        steps = (policy.props.get("stepScalingPolicyConfiguration") or {}).get("stepAdjustments") or []
        bounds = sorted(
            (
                float(step.get("metricIntervalLowerBound") or "-inf"),
                float(step.get("metricIntervalUpperBound") or "inf"),
            )
            for step in steps
        )
        whole = (0.0, float("inf")) if _adds(policy) else (float("-inf"), 0.0)
        covered = bounds and (bounds[0][0], bounds[-1][1]) == whole
        if not covered or any(left[1] != right[0] for left, right in pairwise(bounds)):
            yield f"the steps of {policy.name} leave values out"


def scaling_turns_the_right_way(stack: Stack) -> Iterator[str]:
    """A growing queue adds workers and a short one removes them, with room between the two."""
    thresholds: dict[bool, float] = {}
    for policy in stack.of(_POLICY):
        alarms = [alarm for alarm in stack.of(_ALARM) if policy.text("arn") in alarm.items("alarmActions")]
        if not alarms:
            yield f"no alarm invokes {policy.name}"
        for alarm in alarms:
            adds, above = _adds(policy), alarm.text("comparisonOperator").startswith("GreaterThan")
            thresholds[adds] = float(alarm.props["threshold"])
            if adds != above:
                yield f"{alarm.name} invokes {policy.name}, which does the opposite"
            if metrics.QUEUE_LENGTH not in {metric.get("metricName") for metric in _metrics(alarm)}:
                yield f"{policy.name} does not depend on the queue"
    if thresholds and not thresholds.get(False, 0) < thresholds.get(True, 0):
        yield "workers would be added and removed in turn"


def _adds(policy: Declared) -> bool:
    steps = (policy.props.get("stepScalingPolicyConfiguration") or {}).get("stepAdjustments") or []
    return all(int(step["scalingAdjustment"]) > 0 for step in steps)


def _metrics(alarm: Declared) -> Iterator[Mapping[str, Any]]:
    queries = alarm.items("metricQueries")
    if queries:
        yield from (query["metric"] for query in queries if query.get("metric"))
    else:
        yield alarm.props


def _statistic(metric: Mapping[str, Any]) -> str:
    return str(metric.get("stat") or metric.get("statistic"))


def _watched(alarm: Declared) -> set[str]:
    """Names of metrics, or ids of queries."""
    queries = alarm.items("metricQueries")
    return {query["id"] for query in queries} if queries else {alarm.text("metricName")}


RULES: tuple[Rule, ...] = (
    alarms_can_fire,
    alarms_have_actions,
    alarms_watch_what_exists,
    logs_expire,
    queue_is_never_summed,
    scaling_turns_the_right_way,
    steps_cover_all,
)
