"""What exists on AWS after the program ran with the production stack's defaults."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from cloudless.deployment import DIGEST, ROOT, Deployment
from cloudless.server import ACCOUNT, REGION, Aws

from infra_pulumi import metrics
from infra_pulumi.observability import STAGES

WORKER = "filot-ocr-gpu-worker"
EXECUTION_ROLE = "filot-ecs-execution-role"

pytestmark = pytest.mark.usefixtures("production")


@pytest.fixture(scope="module")
def task(server: Aws, production: Deployment) -> dict[str, Any]:
    family = server("ecs").describe_task_definition(taskDefinition=WORKER)
    return dict(family["taskDefinition"])


@pytest.fixture(scope="module")
def container(task: dict[str, Any]) -> dict[str, Any]:
    (only,) = task["containerDefinitions"]
    return dict(only)


def documents(server: Aws, role: str) -> list[dict[str, Any]]:
    names = server("iam").list_role_policies(RoleName=role)["PolicyNames"]
    return [server("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]


def test_registry_keeps_immutable_scanned_images(server: Aws) -> None:
    (repository,) = server("ecr").describe_repositories()["repositories"]
    lifecycle = json.loads(server("ecr").get_lifecycle_policy(repositoryName=WORKER)["lifecyclePolicyText"])

    assert repository["repositoryName"] == WORKER
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert all(rule["action"] == {"type": "expire"} for rule in lifecycle["rules"])


def expired(rules: Sequence[Mapping[str, Any]], images: Sequence[tuple[int, Sequence[str]]]) -> set[int]:
    """Days of the images that ECR deletes; an image is its age in days and its tags."""
    gone: set[int] = set()
    left = sorted(images)
    for rule in sorted(rules, key=lambda rule: int(rule["rulePriority"])):
        selection = rule["selection"]
        chosen = [image for image in left if selected(selection, image[1])]
        # An image that one rule selects is never expired by a later one.
        left = [image for image in left if image not in chosen]
        if selection["countType"] == "imageCountMoreThan":
            gone |= {age for age, _ in chosen[selection["countNumber"] :]}
        else:
            gone |= {age for age, _ in chosen if age > selection["countNumber"]}
    return gone


def selected(selection: Mapping[str, Any], tags: Sequence[str]) -> bool:
    if selection["tagStatus"] == "untagged":
        return not tags
    prefixes = selection.get("tagPrefixList", [""])
    return bool(tags) and any(tag.startswith(prefix) for tag in tags for prefix in prefixes)


def test_the_running_image_survives_any_number_of_pushes(server: Aws) -> None:
    text = server("ecr").get_lifecycle_policy(repositoryName=WORKER)["lifecyclePolicyText"]
    pushed = [(age, [f"gpu-{age}"]) for age in range(100)]
    running = (200, ["gpu-200", "deployed-gpu-200"])
    untagged: list[tuple[int, list[str]]] = [(300, []), (1_000, [])]

    gone = expired(json.loads(text)["rules"], [*pushed, running, *untagged])

    assert gone == set(range(30, 100)) | {300, 1_000}


def test_images_for_a_roll_back_are_kept(server: Aws) -> None:
    text = server("ecr").get_lifecycle_policy(repositoryName=WORKER)["lifecyclePolicyText"]
    deployed = [(age, [f"gpu-{age}", f"deployed-gpu-{age}"]) for age in range(60)]

    assert expired(json.loads(text)["rules"], deployed) == set(range(50, 60))


def test_logs_are_kept_for_thirty_days(server: Aws) -> None:
    (group,) = server("logs").describe_log_groups()["logGroups"]

    assert group["logGroupName"] == f"/ecs/{WORKER}"
    assert group["retentionInDays"] == 30


def test_secrets_exist_by_the_names_that_filot_knows(server: Aws) -> None:
    secrets = server("secretsmanager").list_secrets()["SecretList"]

    assert sorted(secret["Name"] for secret in secrets) == [
        "filot/buli2-api-key",
        "filot/buli2-api-url",
        "filot/buli2-callback-url",
        "filot/cf-r2-access-key",
        "filot/cf-r2-bucket",
        "filot/cf-r2-endpoint",
        "filot/cf-r2-secret-key",
        "filot/database-url",
        "filot/redis-password",
        "filot/redis-url",
        "filot/status-token",
    ]


def test_each_variable_comes_from_its_own_secret(server: Aws, container: dict[str, Any]) -> None:
    given = {secret["name"]: secret["valueFrom"] for secret in container["secrets"]}
    named = {
        variable: server("secretsmanager").describe_secret(SecretId=arn)["Name"]
        for variable, arn in given.items()
    }

    assert named == {
        "BULI2_API_KEY": "filot/buli2-api-key",
        "BULI2_API_URL": "filot/buli2-api-url",
        "BULI2_CALLBACK_URL": "filot/buli2-callback-url",
        "CF_R2_ACCESS_KEY_ID": "filot/cf-r2-access-key",
        "CF_R2_BUCKET_NAME": "filot/cf-r2-bucket",
        "CF_R2_ENDPOINT": "filot/cf-r2-endpoint",
        "CF_R2_SECRET_ACCESS_KEY": "filot/cf-r2-secret-key",
        "DATABASE_URL": "filot/database-url",
        "OCR_STATUS_TOKEN": "filot/status-token",
        "REDIS_PASSWORD": "filot/redis-password",
        "REDIS_URL": "filot/redis-url",
    }


def test_ecs_may_start_tasks_and_read_these_secrets(server: Aws) -> None:
    attached = server("iam").list_attached_role_policies(RoleName=EXECUTION_ROLE)["AttachedPolicies"]
    (document,) = documents(server, EXECUTION_ROLE)
    secrets = server("secretsmanager").list_secrets()["SecretList"]

    assert [policy["PolicyName"] for policy in attached] == ["AmazonECSTaskExecutionRolePolicy"]
    (statement,) = document["Statement"]
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert statement["Resource"] == sorted(secret["ARN"] for secret in secrets)


def test_the_worker_may_do_nothing_on_aws(server: Aws) -> None:
    attached = server("iam").list_attached_role_policies(RoleName="filot-ecs-task-role")["AttachedPolicies"]

    assert attached == []
    assert documents(server, "filot-ecs-task-role") == []


@pytest.mark.parametrize("role", [EXECUTION_ROLE, "filot-ecs-task-role"])
def test_only_tasks_of_this_account_take_on_the_roles(server: Aws, role: str) -> None:
    trust = server("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]

    (statement,) = trust["Statement"]
    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_the_task_takes_the_whole_instance(task: dict[str, Any]) -> None:
    # A g4dn.xlarge has four vCPUs and 16 GiB, of which the system and the ECS agent need some.
    assert (task["cpu"], task["memory"]) == ("4096", "14336")
    assert task["requiresCompatibilities"] == ["EC2"]
    assert task["networkMode"] == "bridge"
    assert task["placementConstraints"] == [
        {"type": "memberOf", "expression": "attribute:ecs.instance-type =~ g4dn.*"}
    ]
    assert task["executionRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/{EXECUTION_ROLE}"
    assert task["taskRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/filot-ecs-task-role"


def test_the_container_runs_the_worker_on_one_gpu(container: dict[str, Any]) -> None:
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{WORKER}@{DIGEST}"

    assert container["image"] == image
    assert container["command"] == ["filot-ocr", "worker"]
    assert container["essential"] is True
    assert container["resourceRequirements"] == [{"type": "GPU", "value": "1"}]
    assert container["memory"] <= 14336
    assert container["stopTimeout"] == 120
    assert container["logConfiguration"]["options"]["awslogs-group"] == f"/ecs/{WORKER}"
    assert container["logConfiguration"]["options"]["awslogs-region"] == REGION


def test_the_container_can_do_nothing_but_its_work(container: dict[str, Any]) -> None:
    linux = container["linuxParameters"]

    assert container["user"] == "filot"
    assert container["readonlyRootFilesystem"] is True
    assert container["privileged"] is False
    assert linux["capabilities"] == {"add": [], "drop": ["ALL"]}
    assert [place["containerPath"] for place in linux["tmpfs"]] == ["/tmp"]
    assert linux["tmpfs"][0]["size"] >= 256


def test_the_service_keeps_one_worker_on_the_stacks_own_capacity(server: Aws, task: dict[str, Any]) -> None:
    (service,) = server("ecs").describe_services(cluster="filot-production", services=[WORKER])["services"]

    assert service["desiredCount"] == 1
    assert service["taskDefinition"] == task["taskDefinitionArn"]


def test_the_service_takes_its_instances_from_the_capacity_provider(production: Deployment) -> None:
    # The local server forgets a service's strategy and how it deploys.
    service = production.one("Service").inputs

    (strategy,) = service["capacityProviderStrategies"]
    assert strategy["capacityProvider"] == "filot-ocr-gpu-capacity"
    assert "launchType" not in service
    # A release starts the new task on one more instance before the old one stops.
    assert service["deploymentMinimumHealthyPercent"] == 100
    assert service["deploymentMaximumPercent"] == 200
    assert production.one("Group").inputs["maxSize"] == 4 + 1


def test_an_update_waits_as_long_as_a_deployment_may_take(production: Deployment) -> None:
    # A cold start, three failed tasks and the roll-back: docs/infrastructure.md.
    boot_and_pull, failures, roll_back = 8 * 60, 3 * (180 + 3 * 30 + 120), 8 * 60
    timeouts = production.one("Service").timeouts

    minutes = {key: int(value.removesuffix("m0s").removesuffix("m")) for key, value in timeouts.items()}
    assert set(minutes) == {"create", "update"}
    assert all(60 * value > boot_and_pull + failures + roll_back for value in minutes.values())


def test_a_worker_that_always_runs_moves_to_a_patched_instance(server: Aws, production: Deployment) -> None:
    found = server("scheduler").get_schedule(Name=f"{WORKER}-patch")
    role = found["Target"]["RoleArn"].rpartition("/")[2]
    (document,) = documents(server, role)
    (statement,) = document["Statement"]

    assert found["ScheduleExpression"] == "rate(14 days)"
    assert found["Target"]["Arn"].endswith(":aws-sdk:ecs:updateService")
    assert json.loads(found["Target"]["Input"]) == {
        "Cluster": "filot-production",
        "Service": WORKER,
        "ForceNewDeployment": True,
    }
    assert statement["Action"] == "ecs:UpdateService"
    assert statement["Resource"] == production.one("Service").outputs["arn"]


def test_the_cluster_has_the_capacity_provider_of_the_group(server: Aws, production: Deployment) -> None:
    (cluster,) = server("ecs").describe_clusters(clusters=["filot-production"])["clusters"]
    (provider,) = server("ecs").describe_capacity_providers(capacityProviders=["filot-ocr-gpu-capacity"])[
        "capacityProviders"
    ]
    (group,) = server("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]

    assert cluster["capacityProviders"] == ["filot-ocr-gpu-capacity"]
    assert provider["autoScalingGroupProvider"]["autoScalingGroupArn"] == group["AutoScalingGroupARN"]
    assert (group["MinSize"], group["MaxSize"]) == (0, 5)
    assert group["NewInstancesProtectedFromScaleIn"] is True
    assert production.one("Group").inputs["maxInstanceLifetime"] == 14 * 86_400
    assert {tag["Key"] for tag in group["Tags"]} >= {"AmazonECSManaged", "Project"}


def test_instances_are_gpu_machines_that_join_the_cluster(server: Aws) -> None:
    (version,) = server("ec2").describe_launch_template_versions(Versions=["$Latest"])[
        "LaunchTemplateVersions"
    ]
    data = version["LaunchTemplateData"]
    parameter = data["ImageId"].removeprefix("resolve:ssm:")

    assert data["InstanceType"] == "g4dn.xlarge"
    assert server("ssm").get_parameter(Name=parameter)["Parameter"]["Value"].startswith("ami-")
    assert "/gpu/" in parameter
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    boot = base64.b64decode(data["UserData"]).decode().splitlines()
    assert {"ECS_CLUSTER=filot-production", "ECS_IMAGE_PULL_BEHAVIOR=once"} <= set(boot)
    disk = data["BlockDeviceMappings"][0]["Ebs"]
    assert disk["Encrypted"] is True
    assert (disk["VolumeType"], disk["Throughput"]) == ("gp3", 400)


def test_instances_connect_out_to_known_ports_only(server: Aws, production: Deployment) -> None:
    group_id = production.one("SecurityGroup").id
    (group,) = server("ec2").describe_security_groups(GroupIds=[group_id])["SecurityGroups"]

    assert group["IpPermissions"] == []
    assert sorted(rule["FromPort"] for rule in group["IpPermissionsEgress"]) == [443, 5432, 6379]


def test_the_queue_scales_the_service_within_its_limits(server: Aws) -> None:
    scaling = server("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    policies = {
        policy["PolicyName"]: policy["StepScalingPolicyConfiguration"]
        for policy in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    }

    assert target["ResourceId"] == f"service/filot-production/{WORKER}"
    assert target["ScalableDimension"] == "ecs:service:DesiredCount"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    out, down = (policies[f"{WORKER}-scale-{way}"]["StepAdjustments"] for way in ("out", "in"))
    assert [step["ScalingAdjustment"] for step in out] == [1, 2, 3]
    assert [step["ScalingAdjustment"] for step in down] == [-1]


def test_more_than_a_hundred_waiting_documents_add_workers(server: Aws) -> None:
    (out,) = server("cloudwatch").describe_alarms(AlarmNames=[f"{WORKER}-scale-out"])["MetricAlarms"]
    (down,) = server("cloudwatch").describe_alarms(AlarmNames=[f"{WORKER}-scale-in"])["MetricAlarms"]

    assert (out["Namespace"], out["MetricName"], out["Statistic"]) == ("FiLot", "QueueLength", "Maximum")
    assert (out["ComparisonOperator"], out["Threshold"]) == ("GreaterThanThreshold", 100)
    assert (down["ComparisonOperator"], down["Threshold"]) == ("LessThanThreshold", 12.5)
    assert all(":scalingPolicy:" in alarm["AlarmActions"][0] for alarm in (out, down))


def test_people_are_told_of_each_way_to_fail(server: Aws) -> None:
    alarms = server("cloudwatch").describe_alarms(AlarmNamePrefix=WORKER)["MetricAlarms"]
    (topic,) = server("sns").list_topics()["Topics"]
    (subscription,) = server("sns").list_subscriptions()["Subscriptions"]

    telling = {
        alarm["AlarmName"].removeprefix(f"{WORKER}-"): alarm
        for alarm in alarms
        if alarm["AlarmActions"] == [topic["TopicArn"]]
    }
    assert sorted(telling) == [
        *("backlog", "errors", "instances-short", "no-gpu", "no-heartbeat", "no-running-task"),
        "reviews-given-up",
    ]
    assert telling["backlog"]["Threshold"] == 100
    assert telling["errors"]["Threshold"] == 10
    assert (telling["reviews-given-up"]["Statistic"], telling["reviews-given-up"]["Threshold"]) == (
        "Maximum",
        0,
    )
    beat = telling["no-heartbeat"]
    assert beat["Period"] * beat["EvaluationPeriods"] == 300
    assert all(alarm["OKActions"] for alarm in telling.values())
    assert subscription["Endpoint"] == "ops@example.com"
    policy = server("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_the_share_of_errors_is_of_all_results(server: Aws) -> None:
    (alarm,) = server("cloudwatch").describe_alarms(AlarmNames=[f"{WORKER}-errors"])["MetricAlarms"]
    queries = {query["Id"]: query for query in alarm["Metrics"]}

    sums = {key: queries[key]["MetricStat"] for key in ("errors", "results")}
    assert {key: stat["Metric"]["MetricName"] for key, stat in sums.items()} == {
        "errors": "Errors",
        "results": "Results",
    }
    assert {stat["Stat"] for stat in sums.values()} == {"Sum"}
    assert queries["share"]["Expression"] == "IF(errors > 1, 100 * errors / results, 0)"
    assert [key for key, query in queries.items() if query["ReturnData"]] == ["share"]


def test_the_dashboard_shows_the_metrics_that_exist(server: Aws) -> None:
    body = json.loads(server("cloudwatch").get_dashboard(DashboardName=WORKER)["DashboardBody"])

    lines = [line for widget in body["widgets"] for line in widget["properties"].get("metrics", [])]
    assert {line[1] for line in lines if line[0] == "FiLot"} == set(metrics.ALL)
    assert {line[0] for line in lines} == {"AWS/ECS", "FiLot"}


def test_the_dashboard_asks_the_log_for_stages_that_the_worker_times(server: Aws) -> None:
    body = json.loads(server("cloudwatch").get_dashboard(DashboardName=WORKER)["DashboardBody"])
    (query,) = [widget["properties"]["query"] for widget in body["widgets"] if widget["type"] == "log"]
    source = (ROOT / "service" / "telemetry" / "metrics.py").read_text()
    (timed,) = re.findall(r"^STAGES = \((.*?)\)", source, re.MULTILINE | re.DOTALL)

    assert f"SOURCE '/ecs/{WORKER}'" in query
    asked = set(re.findall(r"StageSeconds\.(\w+)", query))
    assert asked == set(STAGES)
    assert asked <= set(re.findall(r'"(\w+)"', timed))
