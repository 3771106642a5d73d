"""The SNS topic that alarms go to."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.component import Component
from infra_pulumi.iam import policy
from infra_pulumi.names import Names

#: Component that held the topic and all alarms before they were split.
FORMER = "Alarms::alarms"


@dataclass(frozen=True, slots=True)
class AlarmTopicArgs:
    """Arguments of ``AlarmTopic``."""

    names: Names
    account_id: pulumi.Input[str]
    emails: Sequence[str]
    #: EventBridge publishes, too.
    events: bool


class AlarmTopic(Component):
    """An SNS topic with e-mail subscriptions."""

    def __init__(self, name: str, args: AlarmTopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("AlarmTopic", name, opts)
        topic = aws.sns.Topic(
            self.child_name("topic"),
            name=f"{args.names.worker}-alarms",
            opts=self.child("topic", moved_from=FORMER),
        )
        aws.sns.TopicPolicy(
            self.child_name("publishers"),
            arn=topic.arn,
            policy=pulumi.Output.all(topic.arn, args.account_id).apply(
                lambda both: _publishers(*both, events=args.events)
            ),
            opts=self.child("publishers", moved_from=FORMER),
        )
        for email in sorted(args.emails):
            aws.sns.TopicSubscription(
                self.child_name(f"mail-{email}"),
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                opts=self.child(f"mail-{email}", moved_from=FORMER),
            )
        self.arn = topic.arn
        self.register_outputs({"arn": self.arn})


def _publishers(topic_arn: str, account_id: str, *, events: bool) -> str:
    """CloudWatch may publish for this account; EventBridge, only where an event replaces an alarm."""
    statements: list[dict[str, object]] = [
        {
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
        }
    ]
    if events:
        # EventBridge sets no source account when it publishes to a topic: a condition would lose events.
        statements.append(
            {
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic_arn,
            }
        )
    return policy(*statements)
