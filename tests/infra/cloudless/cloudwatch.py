"""CloudWatch alarms and step scaling, evaluated against series of samples minute by minute.

Implements what AWS documents of alarm evaluation ("Configuring how CloudWatch alarms treat missing data"),
metric math and step scaling, as far as this stack uses it; anything else raises ``NotImplementedError``.
"""

import ast
import operator
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Data points that CloudWatch looks back over beyond the evaluation periods.
EXTRA_POINTS = 2

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}

STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Average": statistics.fmean,
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
    "Sum": sum,
}

_OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Div: operator.truediv,
    ast.Eq: operator.eq,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Mult: operator.mul,
    ast.Sub: operator.sub,
}


class Samples:
    """Samples of metrics by minute."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, minute: int, metric: str, *values: float, namespace: str = "FiLot") -> None:
        """Record samples of one minute."""
        self._values[namespace, metric][minute].extend(values)

    def point(self, namespace: str, metric: str, statistic: str, end: int, minutes: int) -> float | None:
        """The statistic over the minutes before ``end``; None without samples."""
        by_minute = self._values.get((namespace, metric), {})
        values = [value for minute in range(end - minutes, end) for value in by_minute.get(minute, ())]
        return float(STATISTICS[statistic](values)) if values else None


def alarm_points(alarm: Mapping[str, Any], samples: Samples, end: int) -> list[float | None]:
    """Data points of the alarm's metric up to minute ``end``, oldest first."""
    period = _period(alarm)
    count = alarm["EvaluationPeriods"] + EXTRA_POINTS
    return [_point(alarm, samples, end - period * back) for back in reversed(range(count))]


def in_alarm(alarm: Mapping[str, Any], samples: Samples, end: int) -> bool:
    """Whether the alarm is in state ALARM at minute ``end``."""
    real = [point for point in alarm_points(alarm, samples, end) if point is not None]
    periods = alarm["EvaluationPeriods"]
    compare = COMPARISONS[alarm["ComparisonOperator"]]
    breaching = [compare(point, alarm["Threshold"]) for point in real[-periods:]]
    breaching += [_missing_breaches(alarm)] * (periods - len(breaching))
    return sum(breaching) >= int(alarm.get("DatapointsToAlarm", periods))


def alarm_minutes(alarm: Mapping[str, Any], samples: Samples, minutes: range) -> list[int]:
    """The minutes at which the alarm is in state ALARM."""
    return [minute for minute in minutes if in_alarm(alarm, samples, minute)]


def _missing_breaches(alarm: Mapping[str, Any]) -> bool:
    treatment = alarm["TreatMissingData"]
    if treatment not in ("breaching", "notBreaching"):
        raise NotImplementedError(f"missing data treated as {treatment}")
    return bool(treatment == "breaching")


def _period(alarm: Mapping[str, Any]) -> int:
    """Minutes of one data point."""
    if "Metrics" not in alarm or not alarm["Metrics"]:
        return int(alarm["Period"]) // 60
    (seconds,) = {query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query}
    return int(seconds) // 60


def _point(alarm: Mapping[str, Any], samples: Samples, end: int) -> float | None:
    queries = alarm.get("Metrics")
    if not queries:
        return samples.point(alarm["Namespace"], alarm["MetricName"], alarm["Statistic"], end, _period(alarm))
    known: dict[str, float | None] = {}
    for query in queries:
        if stat := query.get("MetricStat"):
            metric = stat["Metric"]
            known[query["Id"]] = samples.point(
                metric["Namespace"], metric["MetricName"], stat["Stat"], end, stat["Period"] // 60
            )
    (returned,) = [query for query in queries if query.get("ReturnData", True)]
    return evaluate(returned["Expression"], known)


def evaluate(expression: str, known: Mapping[str, float | None]) -> float | None:
    """A metric math expression; None when a metric that it needs has no data point."""
    try:
        return float(_evaluated(ast.parse(expression, mode="eval").body, known))
    except (KeyError, ZeroDivisionError):
        return None


def _evaluated(node: ast.AST, known: Mapping[str, float | None]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            if known[name] is None:
                raise KeyError(name)
            return known[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_evaluated(left, known), _evaluated(right, known))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _OPERATORS[type(op)](_evaluated(left, known), _evaluated(right, known))
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            return _evaluated(then if _evaluated(condition, known) else otherwise, known)
        case ast.Call(func=ast.Name(id="FILL"), args=[ast.Name(id=name), value]):
            return _evaluated(value, known) if known[name] is None else known[name]
    raise NotImplementedError(ast.unparse(node))


@dataclass
class Autoscaler:
    """Step scaling of one service: alarms invoke policies each minute that they are in state ALARM.

    Parameters:
        target: limits, as Application Auto Scaling describes a scalable target
        policies: policies as it describes them
        alarms: alarms as CloudWatch describes them; those without a policy of these do nothing
    """

    target: Mapping[str, Any]
    policies: Sequence[Mapping[str, Any]]
    alarms: Sequence[Mapping[str, Any]]
    desired: int = 1
    #: Minute and workers added or removed.
    activities: list[tuple[int, int]] = field(default_factory=list)

    def step(self, samples: Samples, minute: int) -> int:
        """Evaluate every alarm at a minute and return the desired count."""
        for alarm, policy in self._invocations():
            if in_alarm(alarm, samples, minute):
                self._apply(policy["StepScalingPolicyConfiguration"], alarm, samples, minute)
        return self.desired

    def _invocations(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        by_arn = {policy["PolicyARN"]: policy for policy in self.policies}
        for alarm in self.alarms:
            for action in alarm["AlarmActions"]:
                if action in by_arn:
                    yield alarm, by_arn[action]

    def _apply(
        self, policy: Mapping[str, Any], alarm: Mapping[str, Any], samples: Samples, minute: int
    ) -> None:
        if policy["AdjustmentType"] != "ChangeInCapacity":
            raise NotImplementedError(policy["AdjustmentType"])
        latest = [point for point in alarm_points(alarm, samples, minute) if point is not None][-1]
        change = _adjustment(policy["StepAdjustments"], latest - alarm["Threshold"])
        cooled = minute * 60 - policy["Cooldown"]
        recent = [added for when, added in self.activities if when * 60 > cooled]
        if change > 0:
            # A larger step during the cooldown adds the difference only.
            change -= max(0, sum(added for added in recent if added > 0))
            change = max(change, 0)
        elif recent:
            return
        limited = min(max(self.desired + change, self.target["MinCapacity"]), self.target["MaxCapacity"])
        if limited != self.desired:
            self.activities.append((minute, limited - self.desired))
            self.desired = limited


def _adjustment(steps: Sequence[Mapping[str, Any]], difference: float) -> int:
    """The step whose bounds hold the difference of metric and threshold."""
    for step in steps:
        lower = step.get("MetricIntervalLowerBound", float("-inf"))
        upper = step.get("MetricIntervalUpperBound", float("inf"))
        inside = lower <= difference < upper if difference >= 0 else lower < difference <= upper
        if inside:
            return int(step["ScalingAdjustment"])
    return 0
