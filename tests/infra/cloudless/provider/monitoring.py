"""CloudWatch (logs, alarms, dashboards, events), schedules and SNS."""

import json
from typing import Any

from cloudless.provider.inputs import Finder, Inputs, Made, Maker, capital
from cloudless.server import Aws


def _log_group(aws: Aws, inputs: Inputs) -> Made:
    name = inputs["name"]
    aws("logs").create_log_group(logGroupName=name, tags=inputs.tags())
    aws("logs").put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
    return find_log_group(aws, name)


def find_log_group(aws: Aws, name: str) -> Made:
    groups = aws("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    (found,) = [group for group in groups if group["logGroupName"] == name]
    return name, {"arn": found["arn"], "name": name}


def _alarm(aws: Aws, inputs: Inputs) -> Made:
    request = inputs.capital(
        "alarmDescription",
        "namespace",
        "metricName",
        "statistic",
        "period",
        "comparisonOperator",
        "threshold",
        "evaluationPeriods",
        "datapointsToAlarm",
        "treatMissingData",
        "actionsEnabled",
        "alarmActions",
    )
    if actions := inputs.get("okActions"):
        request["OKActions"] = actions
    if dimensions := inputs.get("dimensions"):
        request["Dimensions"] = _dimensions(dimensions)
    if queries := inputs.get("metricQueries"):
        request["Metrics"] = [query_of(query) for query in queries]
    aws("cloudwatch").put_metric_alarm(AlarmName=inputs["name"], **request, Tags=inputs.tag_list())
    (found,) = aws("cloudwatch").describe_alarms(AlarmNames=[inputs["name"]])["MetricAlarms"]
    return inputs["name"], {"arn": found["AlarmArn"]}


def _dimensions(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]


def query_of(query: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = capital({key: value for key, value in query.items() if key != "metric"})
    if metric := query.get("metric"):
        request["MetricStat"] = {
            "Metric": {
                "Namespace": metric["namespace"],
                "MetricName": metric["metricName"],
                "Dimensions": _dimensions(metric["dimensions"]),
            },
            "Period": metric["period"],
            "Stat": metric["stat"],
        }
    return request


def _dashboard(aws: Aws, inputs: Inputs) -> Made:
    json.loads(inputs["dashboardBody"])
    aws("cloudwatch").put_dashboard(**inputs.capital("dashboardName", "dashboardBody"))
    return inputs["dashboardName"], {}


def _event_rule(aws: Aws, inputs: Inputs) -> Made:
    made = aws("events").put_rule(
        **inputs.capital("name", "description", "eventPattern"), Tags=inputs.tag_list()
    )
    return inputs["name"], {"arn": made["RuleArn"]}


def _schedule(aws: Aws, inputs: Inputs) -> Made:
    target = inputs["target"]
    json.loads(target["input"])
    made = aws("scheduler").create_schedule(
        **inputs.capital("name", "description", "scheduleExpression", "flexibleTimeWindow"),
        Target={"Arn": target["arn"], "RoleArn": target["roleArn"], "Input": target["input"]},
    )
    return f"default/{inputs['name']}", {"arn": made["ScheduleArn"]}


def _event_target(aws: Aws, inputs: Inputs) -> Made:
    target = {"Id": inputs["targetId"], "Arn": inputs["arn"]}
    aws("events").put_targets(Rule=inputs["rule"], Targets=[target])
    return f"{inputs['rule']}-{inputs['targetId']}", {}


def _topic(aws: Aws, inputs: Inputs) -> Made:
    arn = aws("sns").create_topic(Name=inputs["name"], Tags=inputs.tag_list())["TopicArn"]
    return arn, {"arn": arn}


def _topic_policy(aws: Aws, inputs: Inputs) -> Made:
    aws("sns").set_topic_attributes(
        TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
    )
    return inputs["arn"], {}


def _subscription(aws: Aws, inputs: Inputs) -> Made:
    made = aws("sns").subscribe(
        TopicArn=inputs["topic"], **inputs.capital("protocol", "endpoint"), ReturnSubscriptionArn=True
    )
    return made["SubscriptionArn"], {"arn": made["SubscriptionArn"]}


MAKERS: dict[str, Maker] = {
    "aws:cloudwatch/dashboard:Dashboard": _dashboard,
    "aws:cloudwatch/eventRule:EventRule": _event_rule,
    "aws:cloudwatch/eventTarget:EventTarget": _event_target,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:scheduler/schedule:Schedule": _schedule,
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicPolicy:TopicPolicy": _topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": _subscription,
}
CHANGERS: dict[str, Maker] = {}
FINDERS: dict[str, Finder] = {"aws:cloudwatch/logGroup:LogGroup": find_log_group}
LOOKUPS = {"aws:cloudwatch/getLogGroup:getLogGroup": lambda aws, args: find_log_group(aws, args["name"])[1]}
