"""What a second run changes, and what a run on existing resources leaves alone."""

import json
from collections.abc import Mapping

import pytest
from cloudless.deployment import DIGEST, Deployment, network, stack_defaults
from cloudless.engine import Engine, Resource
from cloudless.run import ProgramError
from cloudless.server import Aws

from infra_pulumi.environment import SECRETS
from infra_pulumi.names import Names
from infra_pulumi.rules import ALL
from infra_pulumi.rules.declared import Declared, Stack

NAMES = Names("production")
WORKER = NAMES.worker

#: The role that scripts made for all services of an account.
SHARED_ROLE = "ecsTaskExecutionRole"


def breaches(deployment: Deployment) -> list[str]:
    declared = [
        Declared(resource.type, resource.name, {**resource.inputs, **resource.outputs}, resource.ignored)
        for resource in deployment.resources.values()
    ]
    return [breach for rule in ALL for breach in rule(Stack(declared))]


def behind(resources: Mapping[str, Resource], urn: str) -> set[str]:
    """Names of everything that must exist before this resource is made."""
    found: set[str] = set()
    waiting = [urn]
    while waiting:
        for dependency in resources[waiting.pop()].dependencies:
            if resources[dependency].name not in found:
                found.add(resources[dependency].name)
                waiting.append(dependency)
    return found


def test_second_update_changes_nothing(production: Deployment, config: dict[str, str]) -> None:
    again = production.up(config)

    assert (again.created, again.updated) == ([], [])


def test_new_image_changes_only_the_task_and_the_service(
    production: Deployment, config: dict[str, str]
) -> None:
    old = production.resources
    newer = Deployment(production.aws, resources=old)

    engine = newer.up({**config, "filot:image-digest": "sha256:" + "2" * 64})

    assert (engine.created, engine.updated) == ([], ["worker-task", "worker-service"])
    assert newer.one("Service").inputs["taskDefinition"].endswith(":2")
    assert set(newer.resources) == set(old)


def test_children_are_named_under_their_component(production: Deployment) -> None:
    children = [resource for resource in production.resources.values() if resource.custom and resource.parent]

    by_urn = production.resources
    wrong = [
        child.name
        for child in children
        if child.type.startswith("aws:") and not child.name.startswith(f"{by_urn[child.parent].name}-")
    ]
    assert wrong == []


def test_everything_is_tagged(production: Deployment) -> None:
    provider = next(iter(production.of("aws")))
    tags = json.loads(provider.inputs["defaultTags"])["tags"]

    assert tags == {
        "Environment": "production",
        "ManagedBy": "Pulumi",
        "Project": "FiLot",
        "Service": WORKER,
    }
    groups = {tag["key"]: tag["value"] for tag in production.one("Group").inputs["tags"]}
    assert groups.items() >= tags.items()
    launched = production.one("LaunchTemplate").inputs["tagSpecifications"]
    assert {specification["resourceType"] for specification in launched} == {"instance", "volume"}
    assert all(specification["tags"].items() >= tags.items() for specification in launched)


def test_no_task_starts_before_it_can_work(production: Deployment) -> None:
    before = behind(production.resources, production.one("Service").urn)

    assert before >= {
        *("capacity-attached", "capacity-group", "logs-group", "roles-read-secrets", "roles-start-tasks"),
        *("deployment-alarms-errors", "deployment-alarms-no-gpu", "secrets-database-url"),
    }


def test_what_cannot_be_made_again_is_protected(production: Deployment) -> None:
    protected = {resource.name for resource in production.resources.values() if resource.protected}

    assert protected == {"registry-repository", *(f"secrets-{secret.key}" for secret in SECRETS)}


def test_stack_outputs_name_what_operators_and_workflows_need(production: Deployment) -> None:
    assert production.last is not None
    outputs = production.last.outputs

    assert outputs["repository-url"].endswith(f"/{WORKER}")
    assert (outputs["cluster"], outputs["service"]) == ("filot-production", WORKER)
    assert outputs["log-group"] == f"/ecs/{WORKER}"
    assert outputs["image-digest"] == DIGEST
    assert outputs["capacity"] == "managed"
    assert outputs["dashboard-url"].endswith(f"#dashboards/dashboard/{WORKER}")
    assert set(outputs["secret-arns"]) == {secret.variable for secret in SECRETS}


def test_preview_makes_nothing(first_preview: tuple[Aws, Engine]) -> None:
    aws, preview = first_preview

    assert len(preview.resources) > 40
    assert aws("ecr").describe_repositories()["repositories"] == []


def test_alarms_without_recipients_are_warned_about(first_preview: tuple[Aws, Engine]) -> None:
    _, preview = first_preview

    assert [message for message in preview.messages if "filot:alarm-emails is empty" in message]


def test_first_update_needs_no_image_and_raises_no_alarm(empty_aws: Aws) -> None:
    deployment = Deployment(empty_aws)

    engine = deployment.up({**stack_defaults(), "filot:subnet-ids": json.dumps(network(empty_aws))})

    assert "registry-repository" in engine.created
    assert list(deployment.of("Service")) == list(deployment.of("MetricAlarm")) == []
    assert any("make deploy" in message for message in engine.messages)


def test_own_instances_need_no_capacity_of_the_stack(empty_aws: Aws) -> None:
    deployment = Deployment(empty_aws)
    config = {
        **stack_defaults(),
        "filot:capacity": "own",
        "filot:image-digest": DIGEST,
        "filot:without-secrets": '["redis-password", "buli2-api-key"]',
    }

    deployment.up(config, {"filot:database-url": "postgresql://u:invented@db/filot"})

    (service,) = empty_aws("ecs").describe_services(cluster="filot-production", services=[WORKER])["services"]
    (rule,) = empty_aws("events").list_rules()["Rules"]
    assert service["launchType"] == "EC2"
    assert empty_aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert json.loads(rule["EventPattern"])["detail"] == {"eventName": ["SERVICE_TASK_PLACEMENT_FAILURE"]}
    assert json.loads(rule["EventPattern"])["resources"] == [service["serviceArn"]]
    (topic,) = empty_aws("sns").list_topics()["Topics"]
    policy = empty_aws("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["Policy"]
    (events,) = [
        statement
        for statement in json.loads(policy)["Statement"]
        if statement["Principal"] == {"Service": "events.amazonaws.com"}
    ]
    assert "Condition" not in events
    assert breaches(deployment) == []
    inputs = deployment.one("Service").inputs
    # No other instance is known of: the old task stops before the new one starts.
    assert (inputs["deploymentMinimumHealthyPercent"], inputs["deploymentMaximumPercent"]) == (0, 100)
    left_out_and_configured(empty_aws, deployment)


def left_out_and_configured(aws: Aws, deployment: Deployment) -> None:
    """Optional secrets are left out; a configured value is written, and marked secret for the state."""
    names = {secret["Name"] for secret in aws("secretsmanager").list_secrets()["SecretList"]}
    (version,) = deployment.of("SecretVersion")
    stored = aws("secretsmanager").get_secret_value(SecretId="filot/database-url")

    assert len(names) == len(SECRETS) - 2
    assert not names & {"filot/redis-password", "filot/buli2-api-key"}
    assert stored["SecretString"] == "postgresql://u:invented@db/filot"
    # The engine records inputs: the value is encrypted in the state because it is marked.
    assert version.secrets == {"secretStringWo"}
    assert version.name in behind(deployment.resources, deployment.one("Service").urn)


@pytest.fixture
def old_account(empty_aws: Aws) -> Aws:
    """What the shell scripts left: everything that ``filot:existing`` speaks of."""
    empty_aws("ecs").create_cluster(clusterName="filot-production")
    empty_aws("ecr").create_repository(repositoryName=WORKER)
    empty_aws("logs").create_log_group(logGroupName=NAMES.log_group)
    for role in (SHARED_ROLE, NAMES.task_role):
        empty_aws("iam").create_role(RoleName=role, AssumeRolePolicyDocument='{"Version": "2012-10-17"}')
    for secret in SECRETS:
        empty_aws("secretsmanager").create_secret(Name=NAMES.secret(secret.key), SecretString="kept")
    return empty_aws


def adopting(how: str) -> dict[str, str]:
    things = ("cluster", "execution-role", "log-group", "repository", "secrets", "task-role")
    return {
        **stack_defaults(),
        "filot:capacity": "own",
        "filot:execution-role": SHARED_ROLE,
        "filot:existing": json.dumps(dict.fromkeys(things, how)),
        "filot:image-digest": DIGEST,
    }


def test_existing_resources_are_not_made_twice(old_account: Aws) -> None:
    deployment = Deployment(old_account)

    with pytest.raises(ProgramError, match=r"already exists|AlreadyExists"):
        deployment.up(adopting("create"))


def test_existing_resources_are_used_and_left_alone(old_account: Aws) -> None:
    deployment = Deployment(old_account)

    engine = deployment.up(adopting("lookup"))

    task = old_account("ecs").describe_task_definition(taskDefinition=WORKER)["taskDefinition"]
    secret = old_account("secretsmanager").describe_secret(SecretId="filot/redis-url")
    given = {item["name"]: item["valueFrom"] for item in task["containerDefinitions"][0]["secrets"]}
    made = {(resource.type, resource.inputs.get("name")) for resource in deployment.resources.values()}
    assert not {kind for kind, _ in made} & {
        *("aws:ecs/cluster:Cluster", "aws:ecr/repository:Repository", "aws:iam/role:Role"),
        *("aws:cloudwatch/logGroup:LogGroup", "aws:secretsmanager/secret:Secret"),
    }
    assert given["REDIS_URL"] == secret["ARN"]
    assert breaches(deployment) == []
    assert any(f"Role {SHARED_ROLE} is shared" in message for message in engine.messages)


def test_existing_resources_are_imported_unchanged(old_account: Aws) -> None:
    deployment = Deployment(old_account)

    deployment.up(adopting("import"))

    taken = {resource.name: resource for resource in deployment.resources.values() if resource.imported}
    arn = old_account("secretsmanager").describe_secret(SecretId="filot/redis-url")["ARN"]
    assert len(taken) == 5 + len(SECRETS)
    assert taken["secrets-redis-url"].imported == arn
    assert taken["registry-repository"].imported == WORKER
    assert taken["logs-group"].imported == NAMES.log_group
    assert all(resource.ignored == {"*"} for resource in taken.values())
    kept = old_account("secretsmanager").get_secret_value(SecretId="filot/redis-url")
    assert kept["SecretString"] == "kept"
