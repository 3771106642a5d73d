"""Rules for who may do what, and for what may be reached from outside."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra_pulumi.names import EXECUTION_POLICY, INSTANCE_POLICY
from infra_pulumi.rules.declared import Rule, Stack

#: Ready-made policies that a role of this stack may have.
ALLOWED_POLICIES = frozenset({EXECUTION_POLICY, INSTANCE_POLICY})

#: Services that cannot be held to an account: an instance gets its role through a profile of this account
#: anyhow, and EventBridge does not say for whom it publishes to a topic.
_WITHOUT_ACCOUNT = frozenset({"ec2.amazonaws.com", "events.amazonaws.com"})


def no_wildcards(stack: Stack) -> Iterator[str]:
    """Policies name actions, resources and principals; only a task's own id may be a wildcard."""
    for resource, statement in _statements(stack):
        for action in _listed(statement.get("Action", "*")):
            if "*" in action:
                yield f"{resource} allows {action}"
        for target in _listed(statement.get("Resource", "")):
            if "*" in target and not (
                ":task/" in target and target.endswith("/*") and target.count("*") == 1
            ):
                yield f"{resource} reaches {target}"
        if "*" in _principals(statement):
            yield f"{resource} trusts everybody"


def services_act_for_this_account(stack: Stack) -> Iterator[str]:
    """Roles and topics that other services use are open to them for this account's sake only."""
    for resource, statement in _statements(stack):
        condition = statement.get("Condition", {}).get("StringEquals", {})
        foreign = _principals(statement) - _WITHOUT_ACCOUNT
        if foreign and "aws:SourceAccount" not in condition:
            yield f"{resource} trusts {', '.join(sorted(foreign))} whoever it acts for"


def ready_made_policies_are_known(stack: Stack) -> Iterator[str]:
    """Roles have only the ready-made policies that they need."""
    for attachment in stack.of("iam/rolePolicyAttachment:RolePolicyAttachment"):
        if attachment.text("policyArn") not in ALLOWED_POLICIES:
            yield f"{attachment.text('role')} has {attachment.text('policyArn')}"


def exactly_the_secrets_of_the_task(stack: Stack) -> Iterator[str]:
    """ECS may read the secrets that the task uses, all of them and no others."""
    readable = {
        target
        for _, statement in _statements(stack)
        if "secretsmanager:GetSecretValue" in _listed(statement.get("Action", ""))
        for target in _listed(statement["Resource"])
    }
    for container in stack.containers():
        used = {secret["valueFrom"] for secret in container.get("secrets", [])}
        for arn in sorted(used - readable):
            yield f"the execution role cannot read {arn}"
        for arn in sorted(readable - used):
            yield f"the execution role can read {arn}, which the task does not use"


def secret_values_stay_out_of_state(stack: Stack) -> Iterator[str]:
    """Values of secrets are write-only: Pulumi's state never holds one."""
    for version in stack.of("secretsmanager/secretVersion:SecretVersion"):
        if version.text("secretString") or version.text("secretBinary"):
            yield f"the value of {version.name} would be kept in the state"


def registry_is_private(stack: Stack) -> Iterator[str]:
    """The registry is private, its tags never move, and what is pushed is scanned."""
    for public in (*stack.starting("ecrpublic/"), *stack.of("ecr/repositoryPolicy:RepositoryPolicy")):
        yield f"{public.name} opens the registry"
    for repository in stack.of("ecr/repository:Repository"):
        if repository.text("imageTagMutability") != "IMMUTABLE":
            yield f"tags in {repository.name} can be moved"
        if not (repository.props.get("imageScanningConfiguration") or {}).get("scanOnPush"):
            yield f"{repository.name} does not scan images"


def instances_are_closed(stack: Stack) -> Iterator[str]:
    """Nothing connects to an instance, disks are encrypted, containers cannot have its credentials."""
    for group in stack.of("ec2/securityGroup:SecurityGroup"):
        if group.items("ingress"):
            yield f"{group.name} lets connections in"
        if any(rule["protocol"] == "-1" for rule in group.items("egress")):
            yield f"{group.name} lets everything out"
    for template in stack.of("ec2/launchTemplate:LaunchTemplate"):
        metadata = template.props.get("metadataOptions") or {}
        if metadata.get("httpTokens") != "required" or metadata.get("httpPutResponseHopLimit") != 1:
            yield f"{template.name} does not demand IMDSv2 from the instance itself"
        for disk in template.items("blockDeviceMappings"):
            if disk["ebs"].get("encrypted") != "true":
                yield f"{template.name} has a disk that is not encrypted"


def _statements(stack: Stack) -> Iterator[tuple[str, Mapping[str, Any]]]:
    sources = (
        ("iam/role:Role", "assumeRolePolicy"),
        ("iam/rolePolicy:RolePolicy", "policy"),
        ("sns/topicPolicy:TopicPolicy", "policy"),
    )
    for kind, key in sources:
        for resource in stack.of(kind):
            for statement in json.loads(resource.text(key))["Statement"]:
                yield resource.name, statement


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _principals(statement: Mapping[str, Any]) -> set[str]:
    given = statement.get("Principal", {})
    if isinstance(given, str):
        return {given}
    return {name for names in given.values() for name in _listed(names)}


RULES: tuple[Rule, ...] = (
    exactly_the_secrets_of_the_task,
    instances_are_closed,
    no_wildcards,
    ready_made_policies_are_known,
    registry_is_private,
    secret_values_stay_out_of_state,
    services_act_for_this_account,
)
