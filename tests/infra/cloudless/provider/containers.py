"""ECR and ECS."""

import json
from typing import Any

from cloudless.provider.inputs import Finder, Inputs, Made, Maker
from cloudless.server import Aws


def _repository(aws: Aws, inputs: Inputs) -> Made:
    (encryption,) = inputs["encryptionConfigurations"]
    made = aws("ecr").create_repository(
        repositoryName=inputs["name"],
        **inputs.pick("imageTagMutability", "imageScanningConfiguration"),
        encryptionConfiguration=encryption,
        tags=inputs.tag_list(),
    )["repository"]
    return _repository_state(made)


def find_repository(aws: Aws, name: str) -> Made:
    return _repository_state(aws("ecr").describe_repositories(repositoryNames=[name])["repositories"][0])


def _repository_state(found: dict[str, Any]) -> Made:
    name = found["repositoryName"]
    return name, {"arn": found["repositoryArn"], "repositoryUrl": found["repositoryUri"], "name": name}


def _lifecycle(aws: Aws, inputs: Inputs) -> Made:
    aws("ecr").put_lifecycle_policy(repositoryName=inputs["repository"], lifecyclePolicyText=inputs["policy"])
    return inputs["repository"], {}


def _cluster(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ecs").create_cluster(
        clusterName=inputs["name"], **inputs.pick("settings"), tags=inputs.tag_list("key", "value")
    )["cluster"]
    return made["clusterArn"], {"arn": made["clusterArn"]}


def find_cluster(aws: Aws, name: str) -> Made:
    (found,) = aws("ecs").describe_clusters(clusters=[name])["clusters"]
    return found["clusterArn"], {"arn": found["clusterArn"], "clusterName": found["clusterName"]}


def _capacity_provider(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ecs").create_capacity_provider(
        **inputs.pick("name", "autoScalingGroupProvider"), tags=inputs.tag_list("key", "value")
    )["capacityProvider"]
    return made["capacityProviderArn"], {"arn": made["capacityProviderArn"]}


def _cluster_capacity_providers(aws: Aws, inputs: Inputs) -> Made:
    aws("ecs").put_cluster_capacity_providers(
        cluster=inputs["clusterName"],
        capacityProviders=inputs["capacityProviders"],
        defaultCapacityProviderStrategy=inputs.get("defaultCapacityProviderStrategies", []),
    )
    return inputs["clusterName"], {}


def _task_definition(aws: Aws, inputs: Inputs) -> Made:
    inputs.beside_aws("skipDestroy")
    made = aws("ecs").register_task_definition(
        **inputs.pick(
            "family",
            "cpu",
            "memory",
            "networkMode",
            "executionRoleArn",
            "taskRoleArn",
            "requiresCompatibilities",
            "placementConstraints",
            "runtimePlatform",
            "volumes",
        ),
        containerDefinitions=json.loads(inputs["containerDefinitions"]),
        tags=inputs.tag_list("key", "value"),
    )["taskDefinition"]
    return made["family"], {"arn": made["taskDefinitionArn"], "revision": made["revision"]}


def _deployment(inputs: Inputs) -> dict[str, Any]:
    inputs.beside_aws("waitForSteadyState")
    request = inputs.pick("cluster", "taskDefinition", "propagateTags")
    request |= inputs.pick("availabilityZoneRebalancing")
    if network := inputs.get("networkConfiguration"):
        request["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": network["subnets"],
                "securityGroups": network["securityGroups"],
                "assignPublicIp": "ENABLED" if network["assignPublicIp"] else "DISABLED",
            }
        }
    if inputs.get("enableExecuteCommand"):
        request["enableExecuteCommand"] = True
    if managed := inputs.get("enableEcsManagedTags"):
        request["enableECSManagedTags"] = managed
    if strategies := inputs.get("capacityProviderStrategies"):
        request["capacityProviderStrategy"] = strategies
    request["deploymentConfiguration"] = {
        "minimumHealthyPercent": inputs["deploymentMinimumHealthyPercent"],
        "maximumPercent": inputs["deploymentMaximumPercent"],
        "deploymentCircuitBreaker": inputs["deploymentCircuitBreaker"],
    }
    if alarms := inputs.get("alarms"):
        request["deploymentConfiguration"]["alarms"] = alarms
    return request


def _service(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ecs").create_service(
        serviceName=inputs["name"],
        **inputs.pick("desiredCount", "launchType"),
        **_deployment(inputs),
        tags=inputs.tag_list("key", "value"),
    )["service"]
    return made["serviceArn"], {"arn": made["serviceArn"]}


def _new_deployment(aws: Aws, inputs: Inputs) -> Made:
    inputs.beside_aws("desiredCount", "launchType")
    inputs.tags()
    request = _deployment(inputs)
    made = aws("ecs").update_service(
        service=inputs["name"], cluster=request["cluster"], taskDefinition=request["taskDefinition"]
    )["service"]
    return made["serviceArn"], {"arn": made["serviceArn"]}


MAKERS: dict[str, Maker] = {
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _lifecycle,
    "aws:ecr/repository:Repository": _repository,
    "aws:ecs/capacityProvider:CapacityProvider": _capacity_provider,
    "aws:ecs/cluster:Cluster": _cluster,
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": _cluster_capacity_providers,
    "aws:ecs/service:Service": _service,
    "aws:ecs/taskDefinition:TaskDefinition": _task_definition,
}
CHANGERS: dict[str, Maker] = {
    "aws:ecs/service:Service": _new_deployment,
    "aws:ecs/taskDefinition:TaskDefinition": _task_definition,
}
FINDERS: dict[str, Finder] = {
    "aws:ecr/repository:Repository": find_repository,
    "aws:ecs/cluster:Cluster": find_cluster,
}
LOOKUPS = {
    "aws:ecr/getRepository:getRepository": lambda aws, args: find_repository(aws, args["name"])[1],
    "aws:ecs/getCluster:getCluster": lambda aws, args: find_cluster(aws, args["clusterName"])[1],
}
