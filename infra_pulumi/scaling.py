"""How many workers there are: more while documents pile up, fewer once none has waited for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pulumi
import pulumi_aws as aws

from infra_pulumi import metrics
from infra_pulumi.names import WORKER

Step: TypeAlias = aws.appautoscaling.PolicyStepScalingPolicyConfigurationStepAdjustmentArgsDict

#: Seconds between two steps: an instance needs about as long to boot, pull the image and join in.
COOLDOWN_SECONDS = 300

#: Documents above the backlog limit from which so many workers are added at once.
STEPS_OUT = ((0, 1), (400, 2), (1_900, 3))

#: Minutes without a waiting document after which a worker goes.
IDLE_MINUTES = 10


@dataclass(frozen=True, slots=True)
class ScalingArgs:
    """What the autoscaler needs to know."""

    cluster_name: pulumi.Output[str]
    service_name: pulumi.Output[str]
    min_workers: int
    max_workers: int
    #: Waiting documents above which workers are added.
    backlog: int


class Scaling(pulumi.ComponentResource):
    """Two step policies on the service, each with the alarm that sets it off."""

    def __init__(self, name: str, args: ScalingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("filot:infra:Scaling", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        target = aws.appautoscaling.Target(
            "target",
            service_namespace="ecs",
            resource_id=pulumi.Output.concat("service/", args.cluster_name, "/", args.service_name),
            scalable_dimension="ecs:service:DesiredCount",
            min_capacity=args.min_workers,
            max_capacity=args.max_workers,
            opts=self._child,
        )
        out = self._policy(target, "scale-out", _steps_out())
        self._alarm(
            "scale-out",
            out,
            aws.cloudwatch.MetricAlarmArgs(
                alarm_description=f"more than {args.backlog} documents wait",
                comparison_operator="GreaterThanThreshold",
                threshold=args.backlog,
                evaluation_periods=2,
            ),
        )
        one_less: Step = {"metric_interval_upper_bound": "0", "scaling_adjustment": -1}
        down = self._policy(target, "scale-in", [one_less])
        self._alarm(
            "scale-in",
            down,
            aws.cloudwatch.MetricAlarmArgs(
                alarm_description=f"no document has waited for {IDLE_MINUTES} minutes",
                comparison_operator="LessThanThreshold",
                threshold=1,
                evaluation_periods=IDLE_MINUTES,
            ),
        )
        self.register_outputs({})

    def _policy(
        self, target: aws.appautoscaling.Target, name: str, steps: Sequence[Step]
    ) -> aws.appautoscaling.Policy:
        return aws.appautoscaling.Policy(
            name,
            name=f"{WORKER}-{name}",
            policy_type="StepScaling",
            service_namespace=target.service_namespace,
            resource_id=target.resource_id,
            scalable_dimension=target.scalable_dimension,
            step_scaling_policy_configuration={
                "adjustment_type": "ChangeInCapacity",
                "metric_aggregation_type": "Maximum",
                "cooldown": COOLDOWN_SECONDS,
                "step_adjustments": steps,
            },
            opts=self._child,
        )

    def _alarm(
        self, name: str, action: aws.appautoscaling.Policy, alarm: aws.cloudwatch.MetricAlarmArgs
    ) -> None:
        alarm.name = f"{WORKER}-{name}"
        alarm.namespace = metrics.NAMESPACE
        alarm.metric_name = metrics.QUEUE_LENGTH
        alarm.dimensions = {metrics.DIMENSION: WORKER}
        alarm.statistic = "Maximum"
        alarm.period = 60
        # No news is no reason to change anything: the missing heartbeat has its own alarm.
        alarm.treat_missing_data = "notBreaching"
        alarm.alarm_actions = [action.arn]
        aws.cloudwatch.MetricAlarm(name, alarm, opts=self._child)


def _steps_out() -> list[Step]:
    """Step bounds count from the alarm's threshold; the last step has no upper one."""
    steps: list[Step] = []
    for index, (lower, added) in enumerate(STEPS_OUT):
        step: Step = {"metric_interval_lower_bound": str(lower), "scaling_adjustment": added}
        if index + 1 < len(STEPS_OUT):
            step["metric_interval_upper_bound"] = str(STEPS_OUT[index + 1][0])
        steps.append(step)
    return steps
