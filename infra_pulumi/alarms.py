"""What people are told: one SNS topic, one alarm per way in which the worker can fail FiLot."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi import metrics
from infra_pulumi.iam import policy
from infra_pulumi.names import WORKER

#: Failed documents among all finished ones, in percent.
ERROR_PERCENT = 10

#: Minutes that a condition must hold before people are told.
PATIENCE_MINUTES = 5

#: The same for instances: one needs a few minutes to come up even when all is well.
INSTANCE_PATIENCE_MINUTES = 15


@dataclass(frozen=True, slots=True)
class AlarmsArgs:
    """What the alarms need to know."""

    account_id: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    service_name: pulumi.Output[str]
    service_arn: pulumi.Output[str]
    #: None: the cluster's own instances.
    capacity_provider: pulumi.Output[str] | None
    backlog: int
    emails: Sequence[str]


class Alarms(pulumi.ComponentResource):
    """The topic, its subscriptions and the alarms; all of them also say when it is over."""

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("filot:infra:Alarms", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._topic = self._make_topic(args)
        self.topic_arn = self._topic.arn
        self._worker_alarms(args.backlog)
        self._error_alarm()
        self._review_alarm()
        self._running_alarm(args)
        if args.capacity_provider is not None:
            self._instance_alarm(args.cluster_name, args.capacity_provider)
        else:
            self._placement_event(args.service_arn)
        self.register_outputs({"topicArn": self.topic_arn})

    def _make_topic(self, args: AlarmsArgs) -> aws.sns.Topic:
        topic = aws.sns.Topic("topic", name=f"{WORKER}-alarms", opts=self._child)
        aws.sns.TopicPolicy(
            "publishers",
            arn=topic.arn,
            policy=pulumi.Output.all(topic.arn, args.account_id).apply(
                lambda both: _publishers(*both, events=args.capacity_provider is None)
            ),
            opts=self._child,
        )
        for email in sorted(args.emails):
            aws.sns.TopicSubscription(
                f"mail-{email}", topic=topic.arn, protocol="email", endpoint=email, opts=self._child
            )
        return topic

    def _worker_alarms(self, backlog: int) -> None:
        self._alarm(
            "backlog",
            aws.cloudwatch.MetricAlarmArgs(
                alarm_description=f"more than {backlog} documents have waited for {PATIENCE_MINUTES} "
                "minutes: are workers being added, and are they finishing documents?",
                namespace=metrics.NAMESPACE,
                metric_name=metrics.QUEUE_LENGTH,
                dimensions={metrics.DIMENSION: WORKER},
                statistic="Maximum",
                period=60,
                comparison_operator="GreaterThanThreshold",
                threshold=backlog,
                evaluation_periods=PATIENCE_MINUTES,
                treat_missing_data="notBreaching",
            ),
        )
        self._alarm(
            "no-heartbeat",
            aws.cloudwatch.MetricAlarmArgs(
                alarm_description=f"no worker has made progress for {PATIENCE_MINUTES} minutes: "
                "what does the status page say, and `filot-ocr doctor`?",
                namespace=metrics.NAMESPACE,
                metric_name=metrics.HEARTBEAT,
                dimensions={metrics.DIMENSION: WORKER},
                statistic="SampleCount",
                period=60,
                comparison_operator="LessThanThreshold",
                threshold=1,
                evaluation_periods=PATIENCE_MINUTES,
                treat_missing_data="breaching",
            ),
        )

    def _error_alarm(self) -> None:
        self._alarm(
            "errors",
            aws.cloudwatch.MetricAlarmArgs(
                alarm_description=f"more than {ERROR_PERCENT} % of the documents failed in "
                f"{PATIENCE_MINUTES} minutes, two at least: what do the worker's logs say?",
                metric_queries=[
                    _sum("errors", metrics.ERRORS),
                    _sum("results", metrics.RESULTS),
                    aws.cloudwatch.MetricAlarmMetricQueryArgs(
                        id="share",
                        label="failed documents, percent",
                        # One bad upload in a quiet hour is all of its results: nobody is woken for that.
                        expression="IF(errors > 1, 100 * errors / results, 0)",
                        return_data=True,
                    ),
                ],
                comparison_operator="GreaterThanThreshold",
                threshold=ERROR_PERCENT,
                evaluation_periods=1,
                treat_missing_data="notBreaching",
            ),
        )

    def _review_alarm(self) -> None:
        self._alarm(
            "reviews-given-up",
            aws.cloudwatch.MetricAlarmArgs(
                alarm_description="reviews were asked for in vain for a day, so no person looks at these "
                "documents: when BULI2 answers again, `filot-ocr requeue --reviews`",
                namespace=metrics.NAMESPACE,
                metric_name=metrics.REVIEWS_GIVEN_UP,
                dimensions={metrics.DIMENSION: WORKER},
                statistic="Maximum",
                period=60,
                comparison_operator="GreaterThanThreshold",
                threshold=0,
                evaluation_periods=PATIENCE_MINUTES,
                treat_missing_data="notBreaching",
            ),
        )

    def _running_alarm(self, args: AlarmsArgs) -> None:
        self._alarm(
            "no-running-task",
            aws.cloudwatch.MetricAlarmArgs(
                alarm_description=f"no task has run for {PATIENCE_MINUTES} minutes: "
                "what do the service's events say?",
                # ECS reports one sample a minute and running task, and nothing when there is none.
                namespace="AWS/ECS",
                metric_name="CPUUtilization",
                dimensions={"ClusterName": args.cluster_name, "ServiceName": args.service_name},
                statistic="SampleCount",
                period=60,
                comparison_operator="LessThanThreshold",
                threshold=1,
                evaluation_periods=PATIENCE_MINUTES,
                treat_missing_data="breaching",
            ),
        )

    def _instance_alarm(self, cluster_name: pulumi.Output[str], provider: pulumi.Output[str]) -> None:
        self._alarm(
            "instances-short",
            aws.cloudwatch.MetricAlarmArgs(
                alarm_description=f"tasks have waited for a GPU instance for {INSTANCE_PATIENCE_MINUTES} "
                "minutes: is the group at its limit, or has AWS none of this type?",
                # Instances needed per instance running, in percent.
                namespace="AWS/ECS/ManagedScaling",
                metric_name="CapacityProviderReservation",
                dimensions={"ClusterName": cluster_name, "CapacityProviderName": provider},
                statistic="Average",
                period=60,
                comparison_operator="GreaterThanThreshold",
                threshold=100,
                evaluation_periods=INSTANCE_PATIENCE_MINUTES,
                treat_missing_data="notBreaching",
            ),
        )

    def _placement_event(self, service_arn: pulumi.Output[str]) -> None:
        """Own instances have no such metric: ECS says by an event when none has room for a task."""
        rule = aws.cloudwatch.EventRule(
            "instances-short",
            name=f"{WORKER}-instances-short",
            description="ECS found no GPU instance with room for a task",
            event_pattern=pulumi.Output.json_dumps(
                {
                    "source": ["aws.ecs"],
                    "detail-type": ["ECS Service Action"],
                    "resources": [service_arn],
                    "detail": {"eventName": ["SERVICE_TASK_PLACEMENT_FAILURE"]},
                }
            ),
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            "instances-short", rule=rule.name, arn=self._topic.arn, target_id="topic", opts=self._child
        )

    def _alarm(self, name: str, alarm: aws.cloudwatch.MetricAlarmArgs) -> None:
        alarm.name = f"{WORKER}-{name}"
        alarm.alarm_actions = alarm.ok_actions = [self._topic.arn]
        aws.cloudwatch.MetricAlarm(name, alarm, opts=self._child)


def _sum(identifier: str, name: str) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=identifier,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=metrics.NAMESPACE,
            metric_name=name,
            dimensions={metrics.DIMENSION: WORKER},
            stat="Sum",
            period=60 * PATIENCE_MINUTES,
        ),
        return_data=False,
    )


def _publishers(topic_arn: str, account_id: str, *, events: bool) -> str:
    """CloudWatch may publish for this account; EventBridge, only where an event takes an alarm's place."""
    statements: list[dict[str, object]] = [
        {
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
        }
    ]
    if events:
        # EventBridge does not say for whom it publishes to a topic: under any condition, events are lost.
        statements.append(
            {
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic_arn,
            }
        )
    return policy(*statements)
