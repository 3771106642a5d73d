"""How many workers there are: more while documents pile up, fewer once none has waited for a while."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi import metrics
from infra_pulumi.names import WORKER

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
            f"more than {args.backlog} documents wait",
            out,
            {
                "comparison_operator": "GreaterThanThreshold",
                "threshold": args.backlog,
                "evaluation_periods": 2,
            },
        )
        down = self._policy(
            target, "scale-in", [{"metric_interval_upper_bound": "0", "scaling_adjustment": -1}]
        )
        self._alarm(
            "scale-in",
            f"no document has waited for {IDLE_MINUTES} minutes",
            down,
            {"comparison_operator": "LessThanThreshold", "threshold": 1, "evaluation_periods": IDLE_MINUTES},
        )
        self.register_outputs({})

    def _policy(
        self, target: aws.appautoscaling.Target, name: str, steps: Sequence[Mapping[str, str | int]]
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
                "step_adjustments": list(steps),
            },
            opts=self._child,
        )

    def _alarm(
        self,
        name: str,
        description: str,
        action: aws.appautoscaling.Policy,
        condition: Mapping[str, str | int],
    ) -> None:
        aws.cloudwatch.MetricAlarm(
            name,
            name=f"{WORKER}-{name}",
            alarm_description=description,
            namespace=metrics.NAMESPACE,
            metric_name=metrics.QUEUE_LENGTH,
            dimensions={metrics.DIMENSION: WORKER},
            statistic="Maximum",
            period=60,
            # No news is no reason to change anything: the missing heartbeat has its own alarm.
            treat_missing_data="notBreaching",
            alarm_actions=[action.arn],
            opts=self._child,
            **condition,
        )


def _steps_out() -> list[dict[str, str | int]]:
    """Step bounds count from the alarm's threshold; the last step has no upper one."""
    steps: list[dict[str, str | int]] = []
    for index, (lower, added) in enumerate(STEPS_OUT):
        step: dict[str, str | int] = {"metric_interval_lower_bound": str(lower), "scaling_adjustment": added}
        if index + 1 < len(STEPS_OUT):
            step["metric_interval_upper_bound"] = str(STEPS_OUT[index + 1][0])
        steps.append(step)
    return steps
