"""What AWS says exists after the program ran with the production stack's defaults."""

import base64
import json
from typing import Any

import pytest
from cloudless.deployment import DIGEST, Deployment
from cloudless.server import ACCOUNT, REGION, Aws

WORKER = "filot-ocr-gpu-worker"

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
    assert [rule["selection"]["tagStatus"] for rule in lifecycle["rules"]] == ["untagged", "tagged"]
    assert all(rule["action"] == {"type": "expire"} for rule in lifecycle["rules"])
    tagged = lifecycle["rules"][1]["selection"]
    assert tagged["countType"] == "imageCountMoreThan"
    assert tagged["countNumber"] >= 10


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
    attached = server("iam").list_attached_role_policies(RoleName="ecsTaskExecutionRole")["AttachedPolicies"]
    (document,) = documents(server, "ecsTaskExecutionRole")
    secrets = server("secretsmanager").list_secrets()["SecretList"]

    assert [policy["PolicyName"] for policy in attached] == ["AmazonECSTaskExecutionRolePolicy"]
    (statement,) = document["Statement"]
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert statement["Resource"] == sorted(secret["ARN"] for secret in secrets)


def test_the_worker_may_only_protect_its_tasks(server: Aws) -> None:
    attached = server("iam").list_attached_role_policies(RoleName="filot-ecs-task-role")["AttachedPolicies"]
    (document,) = documents(server, "filot-ecs-task-role")

    assert attached == []
    (statement,) = document["Statement"]
    assert sorted(statement["Action"]) == ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
    assert statement["Resource"] == f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/filot-production/*"


@pytest.mark.parametrize("role", ["ecsTaskExecutionRole", "filot-ecs-task-role"])
def test_only_tasks_of_this_account_take_on_the_roles(server: Aws, role: str) -> None:
    trust = server("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]

    (statement,) = trust["Statement"]
    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_the_task_has_the_size_and_place_of_the_existing_deployment(task: dict[str, Any]) -> None:
    assert (task["cpu"], task["memory"]) == ("2048", "8192")
    assert task["requiresCompatibilities"] == ["EC2"]
    assert task["networkMode"] == "bridge"
    assert task["placementConstraints"] == [
        {"type": "memberOf", "expression": "attribute:ecs.instance-type =~ g4dn.*"}
    ]
    assert task["executionRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/ecsTaskExecutionRole"
    assert task["taskRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/filot-ecs-task-role"


def test_the_container_runs_the_worker_on_one_gpu(container: dict[str, Any]) -> None:
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{WORKER}@{DIGEST}"

    assert container["image"] == image
    assert container["command"] == ["filot-ocr", "worker"]
    assert container["essential"] is True
    assert container["resourceRequirements"] == [{"type": "GPU", "value": "1"}]
    assert container["memory"] <= 8192
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
    assert service["deploymentMinimumHealthyPercent"] == 0
    assert service["deploymentMaximumPercent"] == 100


def test_the_cluster_has_the_capacity_provider_of_the_group(server: Aws) -> None:
    (cluster,) = server("ecs").describe_clusters(clusters=["filot-production"])["clusters"]
    (provider,) = server("ecs").describe_capacity_providers(capacityProviders=["filot-ocr-gpu-capacity"])[
        "capacityProviders"
    ]
    (group,) = server("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]

    assert cluster["capacityProviders"] == ["filot-ocr-gpu-capacity"]
    assert provider["autoScalingGroupProvider"]["autoScalingGroupArn"] == group["AutoScalingGroupARN"]
    assert (group["MinSize"], group["MaxSize"]) == (0, 4)
    assert group["NewInstancesProtectedFromScaleIn"] is True
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
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


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
    assert (down["ComparisonOperator"], down["Threshold"]) == ("LessThanThreshold", 1)
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
        *("backlog", "errors", "instances-short", "no-heartbeat", "no-running-task", "reviews-given-up")
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

    shown = {(line[0], line[1]) for widget in body["widgets"] for line in widget["properties"]["metrics"]}
    assert {name for namespace, name in shown if namespace == "FiLot"} == {
        "ActiveJobs",
        "Errors",
        "Heartbeat",
        "OldestWaitingAgeSeconds",
        "ProcessingTimeMs",
        "QueueLength",
        "Results",
        "ReviewsGivenUp",
    }
    assert {namespace for namespace, _ in shown} == {"AWS/ECS", "FiLot"}
