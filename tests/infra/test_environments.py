"""Several stacks side by side: names, regions, and the variant without a GPU."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from cloudless import cloudformation
from cloudless.deployment import DIGEST, ROOT, Deployment, network, stack_defaults
from cloudless.server import Aws
from test_changes import breaches

from infra_pulumi.names import Names

#: Physical names of the production stack before names were derived from the stack, by URN at that time.
GOLDEN: dict[str, str | None] = json.loads((ROOT / "tests/infra/golden/production.json").read_text())

#: The shared name of the execution role is used only when asked for; the worker no longer calls AWS.
GONE = {"ecsTaskExecutionRole", "filot-ocr-worker-task-protection"}

_NAME_INPUTS = ("name", "family", "dashboardName", "resourceId")


def physical_name(inputs: Mapping[str, Any]) -> str | None:
    return next((inputs[name] for name in _NAME_INPUTS if name in inputs), None)


def test_production_keeps_its_names_and_its_resources(production: Deployment) -> None:
    now = {
        urn: physical_name(resource.inputs)
        for resource in production.resources.values()
        for urn in (resource.urn, *resource.aliases)
    }

    lost = {urn: name for urn, name in GOLDEN.items() if name not in GONE and now.get(urn, "nothing") != name}
    assert lost == {}


def names_of(deployment: Deployment) -> set[tuple[str, str]]:
    """Types and physical names, of resources whose names are unique in an account or region."""
    return {
        (resource.type, str(name))
        for resource in deployment.resources.values()
        if resource.type.startswith("aws:") and (name := physical_name(resource.inputs)) is not None
    }


def made_network(aws: Aws) -> dict[str, str]:
    """A GPU stack in another region with a network of its own, on several types and Spot."""
    return {
        "aws:region": aws.region,
        "filot:debug": "true",
        "filot:deploy-from": "filot/ocr-worker",
        "filot:image-digest": DIGEST,
        "filot:instance-types": '["g6.xlarge", "g5.xlarge"]',
        "filot:spot-percent": "50",
        "filot:vpc": "made",
    }


def cheap(aws: Aws) -> dict[str, str]:
    """The repository's staging stack: the CPU variant."""
    return {
        **stack_defaults(stack="staging"),
        "filot:image-digest": DIGEST,
        "filot:subnet-ids": json.dumps(network(aws)),
    }


@pytest.fixture(scope="module")
def account(server: Aws, production: Deployment) -> dict[str, Deployment]:
    """Three stacks in one account: production, staging beside it, and one in another region."""
    tokyo = server.in_region("ap-northeast-1")
    staging = Deployment(server, stack="staging")
    staging.up(cheap(server))
    abroad = Deployment(tokyo, stack="production-tokyo")
    abroad.up(made_network(tokyo))
    return {"production": production, "staging": staging, "production-tokyo": abroad}


def test_stacks_share_an_account(account: dict[str, Deployment]) -> None:
    named = {stack: names_of(deployment) for stack, deployment in account.items()}

    assert all(len(names) > 25 for names in named.values())
    assert named["production"] & named["staging"] == set()
    assert named["production"] & named["production-tokyo"] == set()
    assert [breach for deployment in account.values() for breach in breaches(deployment)] == []


def test_a_second_run_changes_nothing_in_any_stack(account: dict[str, Deployment]) -> None:
    staging, abroad = account["staging"], account["production-tokyo"]
    config = {**cheap(staging.aws), "filot:subnet-ids": json.dumps(subnets_of(staging))}

    for deployment, given in ((staging, config), (abroad, made_network(abroad.aws))):
        again = Deployment(deployment.aws, resources=deployment.resources, stack=deployment.stack).up(given)

        assert (again.created, again.updated) == ([], [])


def subnets_of(deployment: Deployment) -> list[str]:
    subnets: list[str] = deployment.one("Service").inputs["networkConfiguration"]["subnets"]
    return subnets


def test_each_stack_reports_and_watches_metrics_of_its_own(account: dict[str, Deployment]) -> None:
    namespaces = {stack: Names(stack).metrics_namespace for stack in account}
    assert len(set(namespaces.values())) == len(account)
    assert namespaces["production"] == "FiLot"
    for stack, deployment in account.items():
        namespace = namespaces[stack]
        (container,) = json.loads(deployment.one("TaskDefinition").inputs["containerDefinitions"])
        plain = {item["name"]: item["value"] for item in container["environment"]}
        watched = {
            alarm.inputs["namespace"]
            for alarm in deployment.of("MetricAlarm")
            if "namespace" in alarm.inputs and not alarm.inputs["namespace"].startswith("AWS/")
        }

        assert plain["METRICS_NAMESPACE"] == namespace
        assert watched == {namespace}


def test_cpu_variant_runs_the_same_worker_on_fargate(account: dict[str, Deployment]) -> None:
    staging = account["staging"]
    task, service = staging.one("TaskDefinition").inputs, staging.one("Service").inputs
    (container,) = json.loads(task["containerDefinitions"])
    plain = {item["name"]: item["value"] for item in container["environment"]}

    assert task["requiresCompatibilities"] == ["FARGATE"]
    assert (task["cpu"], task["memory"], task["networkMode"]) == ("2048", "4096", "awsvpc")
    assert container["command"] == ["filot-ocr", "worker"]
    assert plain["OCR_GPU_ENABLED"] == "false"
    assert "resourceRequirements" not in container
    # Fargate refuses these.
    assert not {"privileged", "dockerSecurityOptions"} & set(container)
    assert "tmpfs" not in container["linuxParameters"]
    assert container["readonlyRootFilesystem"] is True
    assert container["mountPoints"] == [
        {"containerPath": "/tmp", "readOnly": False, "sourceVolume": task["volumes"][0]["name"]}
    ]
    assert {strategy["capacityProvider"] for strategy in service["capacityProviderStrategies"]} == {
        "FARGATE",
        "FARGATE_SPOT",
    }
    assert (service["deploymentMinimumHealthyPercent"], service["deploymentMaximumPercent"]) == (100, 200)
    assert list(staging.of("Group")) == []


def test_cfn_lint_finds_nothing_in_the_cpu_variant(account: dict[str, Deployment]) -> None:
    resources = account["staging"].resources.values()

    assert cloudformation.complaints(cloudformation.template(resources)) == []


def test_cpu_variant_scales_and_warns_alike(account: dict[str, Deployment]) -> None:
    def last_parts(stack: str) -> set[str]:
        worker = Names(stack).worker
        alarms = account[stack].of("MetricAlarm")
        return {alarm.inputs["name"].removeprefix(f"{worker}-") for alarm in alarms}

    assert last_parts("production") - last_parts("staging") == {"no-gpu", "instances-short"}
    assert last_parts("staging") <= last_parts("production")
    (rule,) = account["staging"].of("EventRule")
    assert "SERVICE_TASK_PLACEMENT_FAILURE" in rule.inputs["eventPattern"]


def test_made_network_has_two_zones_and_keeps_aws_traffic_inside(account: dict[str, Deployment]) -> None:
    abroad = account["production-tokyo"]
    instances = abroad.one("Group").inputs["vpcZoneIdentifiers"]
    ec2 = abroad.aws("ec2")
    subnets = ec2.describe_subnets(SubnetIds=instances)["Subnets"]
    vpc = subnets[0]["VpcId"]
    endpoints = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["VpcEndpoints"]
    (table,) = {
        route.inputs["routeTableId"] for route in abroad.of("Route") if "natGatewayId" in route.inputs
    }

    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 2
    assert {endpoint["ServiceName"].rpartition(f"{abroad.aws.region}.")[2] for endpoint in endpoints} == {
        *("ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs", "s3", "secretsmanager"),
    }
    associated = {
        association.inputs["subnetId"]
        for association in abroad.of("RouteTableAssociation")
        if association.inputs["routeTableId"] == table
    }
    assert associated == set(instances)


def test_several_types_and_spot_share_one_group(account: dict[str, Deployment]) -> None:
    abroad = account["production-tokyo"]
    group, task = abroad.one("Group").inputs, abroad.one("TaskDefinition").inputs
    mixed = group["mixedInstancesPolicy"]

    assert "launchTemplate" not in group
    assert mixed["launchTemplate"]["overrides"] == [
        {"instanceType": "g6.xlarge"},
        {"instanceType": "g5.xlarge"},
    ]
    assert mixed["instancesDistribution"]["onDemandBaseCapacity"] == 1
    assert mixed["instancesDistribution"]["onDemandPercentageAboveBaseCapacity"] == 50
    assert task["placementConstraints"][0]["expression"] == "attribute:ecs.instance-type =~ (g5|g6).*"


def test_workflows_deploy_from_main_and_preview_pull_requests(account: dict[str, Deployment]) -> None:
    abroad = account["production-tokyo"]
    subjects = {}
    for purpose in ("deploy", "preview"):
        name = f"production-tokyo-filot-ocr-deploy-role-{purpose}"
        trust = abroad.aws("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        (statement,) = trust["Statement"]
        subjects[purpose] = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
        assert statement["Principal"]["Federated"].endswith("/token.actions.githubusercontent.com")
    document = abroad.aws("iam").get_role_policy(
        RoleName="production-tokyo-filot-ocr-deploy-role-preview",
        PolicyName="production-tokyo-filot-ocr-deploy-role-preview",
    )["PolicyDocument"]

    assert subjects == {
        "deploy": "repo:filot/ocr-worker:ref:refs/heads/main",
        "preview": "repo:filot/ocr-worker:pull_request",
    }
    (statement,) = document["Statement"]
    reads = ("Describe", "Get", "List")
    assert all(action.partition(":")[2].startswith(reads) for action in statement["Action"])
    # A preview of a pull request, whose code anybody may write, reads no secret.
    assert not {"secretsmanager:GetSecretValue", "secretsmanager:Get*"} & set(statement["Action"])


@pytest.mark.parametrize("stack", ["Staging", "ecs-test", "a" * 21, "1st"])
def test_a_stack_whose_name_cannot_be_a_prefix_is_refused(stack: str) -> None:
    with pytest.raises(ValueError, match="a stack's name becomes a prefix"):
        Names(stack)


def test_names_fit_into_awss_limits() -> None:
    longest = Names("a" * 20)

    assert len(longest.capacity) <= 255
    assert max(map(len, (longest.instance_role, longest.execution_role, longest.deploy_role))) + 8 <= 64


def test_debugging_opens_the_task_and_the_instances(account: dict[str, Deployment]) -> None:
    deployment = account["production-tokyo"]

    policies = {
        attachment.inputs["policyArn"].rpartition("/")[2]
        for attachment in deployment.of("RolePolicyAttachment")
    }
    assert deployment.one("Service").inputs["enableExecuteCommand"] is True
    assert "AmazonSSMManagedInstanceCore" in policies
    assert any(policy.name == "roles-execute-command" for policy in deployment.of("RolePolicy"))
    assert breaches(deployment) == []


def test_nothing_can_be_opened_without_the_debug_switch(production: Deployment) -> None:
    policies = {
        attachment.inputs["policyArn"].rpartition("/")[2]
        for attachment in production.of("RolePolicyAttachment")
    }

    assert production.one("Service").inputs["enableExecuteCommand"] is False
    assert policies == {"AmazonECSTaskExecutionRolePolicy", "AmazonEC2ContainerServiceforEC2Role"}
