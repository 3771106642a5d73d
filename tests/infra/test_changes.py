"""What running the program again, differently or on what others made does, and does not do."""

import json
from collections.abc import Mapping

import pytest
from cloudless.deployment import DIGEST, Deployment, network, stack_defaults
from cloudless.engine import Engine, Resource
from cloudless.run import ProgramError
from cloudless.server import Aws

from infra_pulumi.environment import SECRETS
from infra_pulumi.names import EXECUTION_ROLE, LOG_GROUP, TASK_ROLE, WORKER
from infra_pulumi.rules import ALL
from infra_pulumi.rules.declared import Declared, Stack


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

    assert (engine.created, engine.updated) == ([], ["task", "service"])
    assert newer.one("Service").inputs["taskDefinition"].endswith(":2")
    assert set(newer.resources) == set(old)


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

    assert before >= {"attached", "read-secrets", "start-tasks", "protect-tasks", "group", "database-url"}
    assert LOG_GROUP in str(production.one("LogGroup").inputs)


def test_what_cannot_be_made_again_is_protected(production: Deployment) -> None:
    protected = {resource.name for resource in production.resources.values() if resource.protected}

    assert protected == {"repository", *(secret.key for secret in SECRETS)}


def test_stack_tells_where_to_push_and_what_runs(production: Deployment) -> None:
    assert production.last is not None
    outputs = production.last.outputs

    assert outputs["repository-url"].endswith(f"/{WORKER}")
    assert outputs["service"] == WORKER


def test_preview_makes_nothing(first_preview: tuple[Aws, Engine]) -> None:
    aws, preview = first_preview

    assert len(preview.resources) > 40
    assert aws("ecr").describe_repositories()["repositories"] == []


def test_alarms_that_reach_nobody_are_remarked_on(first_preview: tuple[Aws, Engine]) -> None:
    _, preview = first_preview

    assert [message for message in preview.messages if "filot:alarm-emails is empty" in message]


def test_first_update_needs_no_image(empty_aws: Aws) -> None:
    deployment = Deployment(empty_aws)

    engine = deployment.up({**stack_defaults(), "filot:subnet-ids": json.dumps(network(empty_aws))})

    assert "repository" in engine.created
    assert list(deployment.of("Service")) == []
    assert any("make deploy" in message for message in engine.messages)


def test_configured_secret_values_are_written_and_not_kept(empty_aws: Aws) -> None:
    deployment = Deployment(empty_aws)
    config = {**stack_defaults(), "filot:capacity": "own", "filot:image-digest": DIGEST}

    deployment.up(config, {"filot:database-url": "postgresql://u:invented@db/filot"})

    (version,) = deployment.of("SecretVersion")
    stored = empty_aws("secretsmanager").get_secret_value(SecretId="filot/database-url")
    assert stored["SecretString"] == "postgresql://u:invented@db/filot"
    assert version.secrets == {"secretStringWo"}
    assert version.urn in {
        dependency for task in deployment.of("TaskDefinition") for dependency in task.dependencies
    }


def test_own_instances_need_no_capacity_of_the_stack(empty_aws: Aws) -> None:
    deployment = Deployment(empty_aws)

    deployment.up({**stack_defaults(), "filot:capacity": "own", "filot:image-digest": DIGEST})

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


def test_optional_secrets_can_be_left_out(empty_aws: Aws) -> None:
    deployment = Deployment(empty_aws)
    config = {**stack_defaults(), "filot:capacity": "own", "filot:image-digest": DIGEST}

    deployment.up({**config, "filot:without-secrets": '["redis-password", "buli2-api-key"]'})

    names = {secret["Name"] for secret in empty_aws("secretsmanager").list_secrets()["SecretList"]}
    assert len(names) == len(SECRETS) - 2
    assert not names & {"filot/redis-password", "filot/buli2-api-key"}
    assert breaches(deployment) == []


@pytest.fixture
def old_account(empty_aws: Aws) -> Aws:
    """What the shell scripts left: everything that ``filot:existing`` speaks of."""
    empty_aws("ecs").create_cluster(clusterName="filot-production")
    empty_aws("ecr").create_repository(repositoryName=WORKER)
    empty_aws("logs").create_log_group(logGroupName=LOG_GROUP)
    for role in (EXECUTION_ROLE, TASK_ROLE):
        empty_aws("iam").create_role(RoleName=role, AssumeRolePolicyDocument='{"Version": "2012-10-17"}')
    for secret in SECRETS:
        empty_aws("secretsmanager").create_secret(Name=secret.name, SecretString="kept")
    return empty_aws


def adopting(how: str) -> dict[str, str]:
    things = ("cluster", "execution-role", "log-group", "repository", "secrets", "task-role")
    return {
        **stack_defaults(),
        "filot:capacity": "own",
        "filot:existing": json.dumps(dict.fromkeys(things, how)),
        "filot:image-digest": DIGEST,
    }


def test_existing_things_are_not_made_twice(old_account: Aws) -> None:
    deployment = Deployment(old_account)

    with pytest.raises(ProgramError, match=r"already exists|AlreadyExists"):
        deployment.up(adopting("create"))


def test_existing_things_are_used_and_left_alone(old_account: Aws) -> None:
    deployment = Deployment(old_account)

    engine = deployment.up(adopting("lookup"))

    task = old_account("ecs").describe_task_definition(taskDefinition=WORKER)["taskDefinition"]
    secret = old_account("secretsmanager").describe_secret(SecretId="filot/redis-url")
    given = {item["name"]: item["valueFrom"] for item in task["containerDefinitions"][0]["secrets"]}
    assert not {"cluster", "repository", "group", EXECUTION_ROLE, TASK_ROLE, "redis-url"} & set(
        engine.created
    )
    assert given["REDIS_URL"] == secret["ARN"]
    assert breaches(deployment) == []


def test_existing_things_are_taken_in_unchanged(old_account: Aws) -> None:
    deployment = Deployment(old_account)

    deployment.up(adopting("import"))

    taken = {resource.name: resource for resource in deployment.resources.values() if resource.imported}
    arn = old_account("secretsmanager").describe_secret(SecretId="filot/redis-url")["ARN"]
    assert len(taken) == 5 + len(SECRETS)
    assert taken["redis-url"].imported == arn
    assert taken["repository"].imported == WORKER
    assert taken["group"].imported == LOG_GROUP
    assert all(resource.ignored == {"*"} for resource in taken.values())
    kept = old_account("secretsmanager").get_secret_value(SecretId="filot/redis-url")
    assert kept["SecretString"] == "kept"
