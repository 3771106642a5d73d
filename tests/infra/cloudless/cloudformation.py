"""The stack as a CloudFormation template, for cfn-lint and its resource schemas."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cfnlint.api import ManualArgs, lint

from cloudless.engine import Resource
from cloudless.provider.inputs import capital
from cloudless.provider.monitoring import query_of
from cloudless.server import REGION

#: CloudFormation's type, and what it calls some inputs; None: it has no such property.
_TYPES: Mapping[str, tuple[str, Mapping[str, str | None]]] = {
    "appautoscaling/policy:Policy": ("ApplicationAutoScaling::ScalingPolicy", {"name": "PolicyName"}),
    "appautoscaling/target:Target": ("ApplicationAutoScaling::ScalableTarget", {}),
    "cloudwatch/dashboard:Dashboard": ("CloudWatch::Dashboard", {}),
    "cloudwatch/logGroup:LogGroup": ("Logs::LogGroup", {"name": "LogGroupName"}),
    "cloudwatch/metricAlarm:MetricAlarm": (
        "CloudWatch::Alarm",
        {"name": "AlarmName", "okActions": "OKActions", "metricQueries": "Metrics"},
    ),
    "ecr/repository:Repository": (
        "ECR::Repository",
        {"name": "RepositoryName", "encryptionConfigurations": None},
    ),
    "ecs/cluster:Cluster": ("ECS::Cluster", {"name": "ClusterName", "settings": "ClusterSettings"}),
    "ecs/taskDefinition:TaskDefinition": ("ECS::TaskDefinition", {"skipDestroy": None}),
    "iam/role:Role": ("IAM::Role", {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}),
    "iam/rolePolicy:RolePolicy": (
        "IAM::RolePolicy",
        {"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
    ),
    "secretsmanager/secret:Secret": ("SecretsManager::Secret", {"recoveryWindowInDays": None}),
    "sns/topic:Topic": ("SNS::Topic", {"name": "TopicName"}),
}

_DOCUMENTS = ("AssumeRolePolicyDocument", "PolicyDocument")


def template(resources: Iterable[Resource]) -> dict[str, Any]:
    """A template of the resources that CloudFormation supports."""
    rendered = {}
    for number, resource in enumerate(resources):
        kind = resource.type.removeprefix("aws:")
        if kind in _TYPES:
            rendered[f"R{number}"] = _rendered(kind, resource.inputs)
        elif kind == "ecs/service:Service":
            rendered[f"R{number}"] = {"Type": "AWS::ECS::Service", "Properties": _service(resource.inputs)}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": rendered}


def complaints(rendered: Mapping[str, Any]) -> list[str]:
    """Complaints of cfn-lint about a template."""
    found = lint(json.dumps(rendered), config=ManualArgs(regions=[REGION]))
    return [f"{match.rule.id}: {match.message}" for match in found]


def _rendered(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    type_name, names = _TYPES[kind]
    properties = {}
    for key, value in inputs.items():
        name = names.get(key, key[0].upper() + key[1:])
        if name is not None:
            properties[name] = _SPECIAL.get(name, capital)(value)
    return {"Type": f"AWS::{type_name}", "Properties": properties}


def _service(inputs: Mapping[str, Any]) -> dict[str, Any]:
    names = {"name": "ServiceName", "capacityProviderStrategies": "CapacityProviderStrategy"}
    names["enableEcsManagedTags"] = "EnableECSManagedTags"
    deployment = {
        "MinimumHealthyPercent": inputs["deploymentMinimumHealthyPercent"],
        "MaximumPercent": inputs["deploymentMaximumPercent"],
        "DeploymentCircuitBreaker": capital(inputs["deploymentCircuitBreaker"]),
        "Alarms": capital(inputs["alarms"]),
    }
    others = {
        names.get(key, key[0].upper() + key[1:]): capital(value)
        for key, value in inputs.items()
        if not key.startswith("deployment")
        and key not in ("alarms", "networkConfiguration", "waitForSteadyState")
    }
    if network := inputs.get("networkConfiguration"):
        awsvpc = capital(network)
        awsvpc["AssignPublicIp"] = "ENABLED" if network["assignPublicIp"] else "DISABLED"
        others["NetworkConfiguration"] = {"AwsvpcConfiguration": awsvpc}
    return {**others, "DeploymentConfiguration": deployment}


def _containers(text: str) -> Any:
    containers = capital(json.loads(text))
    for container, original in zip(containers, json.loads(text), strict=True):
        # The log driver's options are not CloudFormation's: they keep their spelling.
        container["LogConfiguration"]["Options"] = original["logConfiguration"]["options"]
    return containers


def _dimensions(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


_SPECIAL: Mapping[str, Callable[[Any], Any]] = {
    "ContainerDefinitions": _containers,
    "Dimensions": _dimensions,
    "Metrics": lambda queries: [query_of(query) for query in queries],
    **dict.fromkeys(_DOCUMENTS, json.loads),
}
