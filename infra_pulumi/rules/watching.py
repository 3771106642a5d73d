"""Rules for logs, alarms and the steps of the autoscaler: mostly what would never fire."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from infra_pulumi import metrics
from infra_pulumi.names import WORKER
from infra_pulumi.rules.declared import Declared, Rule, Stack

#: Days that CloudWatch Logs knows; it refuses others.
RETENTIONS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)

#: Metrics that exist and the dimensions that they exist with.
_KNOWN: Mapping[tuple[str, str], frozenset[str]] = {
    **{(metrics.NAMESPACE, name): frozenset({metrics.DIMENSION}) for name in metrics.ALL},
    ("AWS/ECS", "CPUUtilization"): frozenset({"ClusterName", "ServiceName"}),
    ("AWS/ECS", "MemoryUtilization"): frozenset({"ClusterName", "ServiceName"}),
    ("AWS/ECS/ManagedScaling", "CapacityProviderReservation"): frozenset(
        {"CapacityProviderName", "ClusterName"}
    ),
}

#: Seconds that all periods of an alarm may cover together.
_A_DAY = 86_400

#: The highest value of a metric in percent; the others have none.
_HIGHEST = {"CapacityProviderReservation": 200, "share": 100}

_ALARM = "cloudwatch/metricAlarm:MetricAlarm"
_POLICY = "appautoscaling/policy:Policy"


def logs_expire(stack: Stack) -> Iterator[str]:
    """Logs are kept for a number of days that CloudWatch knows."""
    for group in stack.of("cloudwatch/logGroup:LogGroup"):
        if group.props.get("retentionInDays") not in RETENTIONS:
            yield f"{group.name} keeps logs for {group.props.get('retentionInDays')} days"


def alarms_watch_what_exists(stack: Stack) -> Iterator[str]:
    """Alarms watch metrics that somebody publishes, with the dimensions that they are published with."""
    for alarm in stack.of(_ALARM):
        for metric in _metrics(alarm):
            key = (str(metric.get("namespace")), str(metric.get("metricName")))
            dimensions = metric.get("dimensions") or {}
            if key not in _KNOWN:
                yield f"{alarm.name}: nobody publishes {key[0]} {key[1]}"
            elif set(dimensions) != _KNOWN[key]:
                yield f"{alarm.name}: {key[1]} does not have the dimensions {sorted(dimensions)}"
            elif dimensions.get(metrics.DIMENSION, WORKER) != WORKER:
                yield f"{alarm.name}: {metrics.DIMENSION} is {dimensions[metrics.DIMENSION]}, not {WORKER}"


def alarms_can_fire(stack: Stack) -> Iterator[str]:
    """Alarms have thresholds that can be crossed in a time that CloudWatch looks at."""
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


def alarms_reach_somebody(stack: Stack) -> Iterator[str]:
    """Alarms do something, and those about something missing take no data for the worst."""
    for alarm in stack.of(_ALARM):
        if not alarm.items("alarmActions") or alarm.props.get("actionsEnabled") is False:
            yield f"{alarm.name} tells nobody"
        counts = alarm.text("statistic") == "SampleCount"
        if counts and alarm.text("treatMissingData") != "breaching":
            yield f"{alarm.name} counts samples and stays calm when there are none"


def queue_is_never_summed(stack: Stack) -> Iterator[str]:
    """Every worker reports the same queue: its length is the maximum over workers."""
    for alarm in stack.of(_ALARM):
        if metrics.QUEUE_LENGTH in _watched(alarm) and alarm.text("statistic") != "Maximum":
            yield f"{alarm.name} takes the {alarm.text('statistic')} of the queue's length"


def steps_cover_all(stack: Stack) -> Iterator[str]:
    """Steps follow each other without gap from the threshold to infinity."""
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
    """A growing queue adds workers, an empty one takes them away, with room between the two."""
    thresholds: dict[bool, float] = {}
    for policy in stack.of(_POLICY):
        alarms = [alarm for alarm in stack.of(_ALARM) if policy.text("arn") in alarm.items("alarmActions")]
        if not alarms:
            yield f"no alarm sets off {policy.name}"
        for alarm in alarms:
            adds, above = _adds(policy), alarm.text("comparisonOperator").startswith("GreaterThan")
            thresholds[adds] = float(alarm.props["threshold"])
            if adds != above:
                yield f"{alarm.name} sets off {policy.name}, which does the opposite"
            if metrics.QUEUE_LENGTH not in _watched(alarm):
                yield f"{policy.name} is not set off by the queue"
    if thresholds and not thresholds.get(False, 0) < thresholds.get(True, 0):
        yield "workers would be added and taken away in turns"


def _adds(policy: Declared) -> bool:
    steps = (policy.props.get("stepScalingPolicyConfiguration") or {}).get("stepAdjustments") or []
    return all(int(step["scalingAdjustment"]) > 0 for step in steps)


def _metrics(alarm: Declared) -> Iterator[Mapping[str, Any]]:
    queries = alarm.items("metricQueries")
    if queries:
        yield from (query["metric"] for query in queries if query.get("metric"))
    else:
        yield alarm.props


def _watched(alarm: Declared) -> set[str]:
    """Names of metrics, or of the expressions that are made of them."""
    queries = alarm.items("metricQueries")
    return {query["id"] for query in queries} if queries else {alarm.text("metricName")}


RULES: tuple[Rule, ...] = (
    alarms_can_fire,
    alarms_reach_somebody,
    alarms_watch_what_exists,
    logs_expire,
    queue_is_never_summed,
    scaling_turns_the_right_way,
    steps_cover_all,
)
