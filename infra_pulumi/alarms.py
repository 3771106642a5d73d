"""Alarms for people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from infra_pulumi import metrics
from infra_pulumi.alarm_topic import FORMER
from infra_pulumi.component import Component
from infra_pulumi.names import CONTAINER, Names


@dataclass(frozen=True, slots=True)
class Threshold:
    """When an alarm fires: the comparison, how long it must hold, and what missing data counts as."""

    operator: str
    value: float
    #: Periods in a row.
    periods: int
    #: ``breaching`` or ``notBreaching``.
    missing: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of one period; of the worker unless ``namespace`` is given."""

    name: str
    statistic: str
    seconds: int = 60
    namespace: str | None = None
    dimensions: dict[str, pulumi.Input[str]] = field(default_factory=lambda: {metrics.DIMENSION: CONTAINER})


class _AlarmGroup(Component):
    """Alarms of one stack that notify a topic, also when they recover."""

    def __init__(
        self,
        kind: str,
        name: str,
        names: Names,
        topic_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        super().__init__(kind, name, opts)
        self._names, self._topic_arn = names, topic_arn

    def alarm(
        self, role: str, description: str, metric: Metric, threshold: Threshold
    ) -> aws.cloudwatch.MetricAlarm:
        """An alarm on a single metric."""
        return self._alarm(
            role,
            description,
            threshold,
            {
                "namespace": metric.namespace or self._names.metrics_namespace,
                "metric_name": metric.name,
                "dimensions": metric.dimensions,
                "statistic": metric.statistic,
                "period": metric.seconds,
            },
        )

    def expression_alarm(
        self, role: str, description: str, queries: Sequence[Any], threshold: Threshold
    ) -> aws.cloudwatch.MetricAlarm:
        """An alarm on a metric math expression."""
        return self._alarm(role, description, threshold, {"metric_queries": list(queries)})

    def _alarm(
        self, role: str, description: str, threshold: Threshold, source: dict[str, Any]
    ) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            self.child_name(role),
            name=f"{self._names.worker}-{role}",
            alarm_description=description,
            comparison_operator=threshold.operator,
            threshold=threshold.value,
            evaluation_periods=threshold.periods,
            treat_missing_data=threshold.missing,
            alarm_actions=[self._topic_arn],
            ok_actions=[self._topic_arn],
            **source,
            opts=self.child(role, moved_from=FORMER),
        )


@dataclass(frozen=True, slots=True)
class DeploymentAlarmsArgs:
    """Arguments of ``DeploymentAlarms``."""

    names: Names
    topic_arn: pulumi.Input[str]
    minutes: int
    error_percent: int
    #: The workers are meant to use a GPU.
    gpu: bool


class DeploymentAlarms(_AlarmGroup):
    """Alarms that also undo a deployment, so they exist before the service; silent without reports."""

    def __init__(
        self, name: str, args: DeploymentAlarmsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("DeploymentAlarms", name, args.names, args.topic_arn, opts)
        alarms = [self._errors(args)]
        if args.gpu:
            alarms.append(self._no_gpu(args))
        self.alarm_names = [alarm.name for alarm in alarms]
        self.register_outputs({"alarmNames": self.alarm_names})

    def _errors(self, args: DeploymentAlarmsArgs) -> aws.cloudwatch.MetricAlarm:
        def sum_of(identifier: str, name: str) -> dict[str, Any]:
            return {
                "id": identifier,
                "metric": {
                    "namespace": args.names.metrics_namespace,
                    "metric_name": name,
                    "dimensions": {metrics.DIMENSION: CONTAINER},
                    "stat": "Sum",
                    "period": 60 * args.minutes,
                },
                "return_data": False,
            }

        share = {
            "id": "share",
            "label": "failed documents, percent",
            # A single bad upload in a quiet hour is all of its results: it wakes nobody.
            "expression": "IF(errors > 1, 100 * errors / results, 0)",
            "return_data": True,
        }
        return self.expression_alarm(
            "errors",
            f"more than {args.error_percent} % of the documents of {args.minutes} minutes failed, two at "
            "least: see the worker's logs",
            [sum_of("errors", metrics.ERRORS), sum_of("results", metrics.RESULTS), share],
            Threshold("GreaterThanThreshold", args.error_percent, 1, "notBreaching"),
        )

    def _no_gpu(self, args: DeploymentAlarmsArgs) -> aws.cloudwatch.MetricAlarm:
        return self.alarm(
            "no-gpu",
            f"a worker has had no GPU for {args.minutes} minutes and reads on the CPU of a GPU instance: see "
            "`filot-ocr doctor` in its container, and the worker's log for gpu_not_in_use",
            Metric(metrics.GPU_IN_USE, "Minimum"),
            Threshold("LessThanThreshold", 1, args.minutes, "notBreaching"),
        )


@dataclass(frozen=True, slots=True)
class AlarmsArgs:
    """Arguments of ``Alarms``."""

    names: Names
    topic_arn: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]
    service_arn: pulumi.Input[str]
    #: None: instances are not managed by this stack.
    capacity_provider: pulumi.Input[str] | None
    backlog: int
    minutes: int
    instance_minutes: int


class Alarms(_AlarmGroup):
    """Alarms about work that is not done, and about workers or instances that are missing."""

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Alarms", name, args.names, args.topic_arn, opts)
        self._work(args)
        self._presence(args)
        if args.capacity_provider is not None:
            self._instances(args, args.capacity_provider)
        else:
            self._placement_event(args)
        self.register_outputs({})

    def _work(self, args: AlarmsArgs) -> None:
        self.alarm(
            "backlog",
            f"more than {args.backlog} documents have waited for {args.minutes} minutes: are workers being "
            "added, and do they finish documents?",
            Metric(metrics.QUEUE_LENGTH, "Maximum"),
            Threshold("GreaterThanThreshold", args.backlog, args.minutes, "notBreaching"),
        )
        self.alarm(
            "reviews-given-up",
            "reviews were requested for a day without an answer, so nobody looks at these documents: when "
            "BULI2 answers again, `filot-ocr requeue --reviews`",
            Metric(metrics.REVIEWS_GIVEN_UP, "Maximum"),
            Threshold("GreaterThanThreshold", 0, args.minutes, "notBreaching"),
        )

    def _presence(self, args: AlarmsArgs) -> None:
        self.alarm(
            "no-heartbeat",
            f"no worker has made progress for {args.minutes} minutes: see the status page and "
            "`filot-ocr doctor`",
            Metric(metrics.HEARTBEAT, "SampleCount"),
            Threshold("LessThanThreshold", 1, args.minutes, "breaching"),
        )
        self.alarm(
            "no-running-task",
            f"no task has run for {args.minutes} minutes: see the service's events",
            # ECS reports one sample a minute and running task, and nothing without one.
            Metric(
                "CPUUtilization",
                "SampleCount",
                namespace="AWS/ECS",
                dimensions={"ClusterName": args.cluster_name, "ServiceName": args.service_name},
            ),
            Threshold("LessThanThreshold", 1, args.minutes, "breaching"),
        )

    def _instances(self, args: AlarmsArgs, provider: pulumi.Input[str]) -> None:
        self.alarm(
            "instances-short",
            f"tasks have waited for a GPU instance for {args.instance_minutes} minutes: is the group at its "
            "limit, or has AWS none of this type?",
            # Instances needed per instance running, in percent.
            Metric(
                "CapacityProviderReservation",
                "Average",
                namespace="AWS/ECS/ManagedScaling",
                dimensions={"ClusterName": args.cluster_name, "CapacityProviderName": provider},
            ),
            Threshold("GreaterThanThreshold", 100, args.instance_minutes, "notBreaching"),
        )

    def _placement_event(self, args: AlarmsArgs) -> None:
        """Other capacity has no such metric: ECS emits an event when it cannot place a task."""
        rule = aws.cloudwatch.EventRule(
            self.child_name("instances-short"),
            name=f"{args.names.worker}-instances-short",
            description="ECS found no room for a task",
            event_pattern=pulumi.Output.json_dumps(
                {
                    "source": ["aws.ecs"],
                    "detail-type": ["ECS Service Action"],
                    "resources": [args.service_arn],
                    "detail": {"eventName": ["SERVICE_TASK_PLACEMENT_FAILURE"]},
                }
            ),
            opts=self.child("instances-short"),
        )
        aws.cloudwatch.EventTarget(
            self.child_name("instances-short-topic"),
            rule=rule.name,
            arn=args.topic_arn,
            target_id="topic",
            opts=self.child("instances-short"),
        )
