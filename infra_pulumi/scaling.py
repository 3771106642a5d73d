"""Autoscaling: workers are added while documents pile up and removed while few wait per worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pulumi
import pulumi_aws as aws

from infra_pulumi import metrics
from infra_pulumi.component import Component
from infra_pulumi.config import ScaleOutStep
from infra_pulumi.names import CONTAINER, Names

Step: TypeAlias = aws.appautoscaling.PolicyStepScalingPolicyConfigurationStepAdjustmentArgsDict

#: Seconds between two steps: about what an instance needs to boot, pull the image and join.
COOLDOWN_SECONDS = 300

#: Minutes in a row with a backlog before workers are added.
SCALE_OUT_MINUTES = 2

#: Share of their threads that workers may use on average when one of them is removed: of two workers, one can
#: then do the work of both. Otherwise workers would be removed and added in turn under a steady load.
BUSY_SHARE = 0.4

#: Minutes in a period of the scale-in alarm.
SCALE_IN_PERIOD_MINUTES = 5


@dataclass(frozen=True, slots=True)
class ScalingArgs:
    """Arguments of ``Scaling``."""

    names: Names
    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]
    min_workers: int
    max_workers: int
    #: Waiting documents above which workers are added.
    backlog: int
    steps: Sequence[ScaleOutStep]
    #: Waiting documents per worker below which a worker is removed.
    scale_in_per_worker: float
    scale_in_minutes: int
    #: Documents that a worker processes at a time.
    concurrency: int


class Scaling(Component):
    """Two step scaling policies on the service's desired count, each with the alarm that invokes it."""

    def __init__(self, name: str, args: ScalingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Scaling", name, opts)
        self._args = args
        self._target = aws.appautoscaling.Target(
            self.child_name("target"),
            service_namespace="ecs",
            resource_id=pulumi.Output.concat("service/", args.cluster_name, "/", args.service_name),
            scalable_dimension="ecs:service:DesiredCount",
            min_capacity=args.min_workers,
            max_capacity=args.max_workers,
            opts=self.child("target"),
        )
        self._scale_out()
        self._scale_in()
        self.register_outputs({})

    def _scale_out(self) -> None:
        backlog = self._args.backlog
        policy = self._policy("scale-out", _steps_out(self._args.steps))
        aws.cloudwatch.MetricAlarm(
            self.child_name("scale-out-alarm"),
            name=f"{self._args.names.worker}-scale-out",
            alarm_description=f"more than {backlog} documents wait",
            namespace=self._args.names.metrics_namespace,
            metric_name=metrics.QUEUE_LENGTH,
            dimensions={metrics.DIMENSION: CONTAINER},
            statistic="Maximum",
            period=60,
            comparison_operator="GreaterThanThreshold",
            threshold=backlog,
            evaluation_periods=SCALE_OUT_MINUTES,
            # Without reports nothing is known of the queue; the missing heartbeat has an alarm of its own.
            treat_missing_data="notBreaching",
            alarm_actions=[policy.arn],
            opts=self.child("scale-out"),
        )

    def _scale_in(self) -> None:
        least = self._args.scale_in_per_worker
        one_less: Step = {"metric_interval_upper_bound": "0", "scaling_adjustment": -1}
        policy = self._policy("scale-in", [one_less])
        aws.cloudwatch.MetricAlarm(
            self.child_name("scale-in-alarm"),
            name=f"{self._args.names.worker}-scale-in",
            alarm_description=f"fewer than {least:g} documents per worker have waited for "
            f"{self._args.scale_in_minutes} minutes, and the workers were not busy",
            metric_queries=[
                self._metric("waiting", metrics.QUEUE_LENGTH, "Average"),
                # Each worker reports its own jobs: the average of all reports is per worker.
                self._metric("active", metrics.ACTIVE_JOBS, "Average"),
                # Each worker reports one heartbeat a minute.
                self._metric("beats", metrics.HEARTBEAT, "SampleCount"),
                {
                    "id": "backlog_per_worker",
                    "label": "waiting documents per worker that is not busy",
                    "expression": f"IF(active < {BUSY_SHARE * self._args.concurrency:g}, "
                    f"waiting / (beats / {SCALE_IN_PERIOD_MINUTES}), {least:g})",
                    "return_data": True,
                },
            ],
            comparison_operator="LessThanThreshold",
            threshold=least,
            evaluation_periods=self._args.scale_in_minutes // SCALE_IN_PERIOD_MINUTES,
            treat_missing_data="notBreaching",
            alarm_actions=[policy.arn],
            opts=self.child("scale-in"),
        )

    def _metric(
        self, identifier: str, metric: str, statistic: str
    ) -> aws.cloudwatch.MetricAlarmMetricQueryArgsDict:
        return {
            "id": identifier,
            "metric": {
                "namespace": self._args.names.metrics_namespace,
                "metric_name": metric,
                "dimensions": {metrics.DIMENSION: CONTAINER},
                "stat": statistic,
                "period": 60 * SCALE_IN_PERIOD_MINUTES,
            },
            "return_data": False,
        }

    def _policy(self, role: str, steps: Sequence[Step]) -> aws.appautoscaling.Policy:
        return aws.appautoscaling.Policy(
            self.child_name(role),
            name=f"{self._args.names.worker}-{role}",
            policy_type="StepScaling",
            service_namespace=self._target.service_namespace,
            resource_id=self._target.resource_id,
            scalable_dimension=self._target.scalable_dimension,
            step_scaling_policy_configuration={
                "adjustment_type": "ChangeInCapacity",
                "metric_aggregation_type": "Maximum",
                "cooldown": COOLDOWN_SECONDS,
                "step_adjustments": steps,
            },
            opts=self.child(role),
        )


def _steps_out(configured: Sequence[ScaleOutStep]) -> list[Step]:
    """Step bounds count from the alarm's threshold; the last step has no upper one."""
    steps: list[Step] = []
    for number, step in enumerate(configured):
        bounded: Step = {"metric_interval_lower_bound": str(step.above), "scaling_adjustment": step.add}
        if number + 1 < len(configured):
            bounded["metric_interval_upper_bound"] = str(configured[number + 1].above)
        steps.append(bounded)
    return steps
