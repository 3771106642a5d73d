"""Laws of access: least privilege, and nothing that is open to the outside."""

import json
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from infra_pulumi.names import DEBUG_POLICY, EXECUTION_POLICY, INSTANCE_POLICY
from infra_pulumi.rules.declared import Rule, Stack

#: AWS managed policies that a role of this stack may have.
ALLOWED_POLICIES = frozenset({DEBUG_POLICY, EXECUTION_POLICY, INSTANCE_POLICY})

#: Services that set no source account: an instance gets its role through a profile of this account anyhow,
#: and EventBridge does not say for whom it publishes to a topic.
_WITHOUT_ACCOUNT = frozenset({"ec2.amazonaws.com", "events.amazonaws.com"})


def no_wildcards(stack: Stack) -> Iterator[str]:
    """Policies of what runs name actions, resources and principals."""
    for resource, statement in _statements(stack):
        actions = _listed(statement.get("Action", "*"))
        if resource.endswith("-actions"):
            # People and workflows that deploy: deployer.py limits them by the names of resources.
            continue
        for action in actions:
            if "*" in action:
                yield f"{resource} allows {action}"
        for target in _listed(statement.get("Resource", "")):
            # AWS defines no resources for Session Manager's channels.
            if "*" in target and not all(action.startswith("ssmmessages:") for action in actions):
                yield f"{resource} reaches {target}"
        if "*" in _principals(statement):
            yield f"{resource} trusts everybody"


def services_act_for_this_account(stack: Stack) -> Iterator[str]:
    """Services may use roles and topics on behalf of this account only."""
    for resource, statement in _statements(stack):
        condition = statement.get("Condition", {}).get("StringEquals", {})
        foreign = {
            name for name in _principals(statement) if name.endswith(".amazonaws.com")
        } - _WITHOUT_ACCOUNT
        if foreign and "aws:SourceAccount" not in condition:
            yield f"{resource} trusts {', '.join(sorted(foreign))} for any account"


def managed_policies_are_known(stack: Stack) -> Iterator[str]:
    """Roles have only the AWS managed policies that they need."""
    for attachment in stack.of("iam/rolePolicyAttachment:RolePolicyAttachment"):
        if attachment.text("policyArn") not in ALLOWED_POLICIES:
            yield f"{attachment.text('role')} has {attachment.text('policyArn')}"


def task_reads_its_secrets_only(stack: Stack) -> Iterator[str]:
    """The execution role reads the secrets that the task uses, all of them and no others."""
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


def secret_values_are_write_only(stack: Stack) -> Iterator[str]:
    """Secret values are write-only inputs: the provider never reads one back into the state."""
    for version in stack.of("secretsmanager/secretVersion:SecretVersion"):
        if version.text("secretString") or version.text("secretBinary"):
            yield f"the value of {version.name} would be read back into the state"


def registry_is_private(stack: Stack) -> Iterator[str]:
    """The registry is private, its tags are immutable, and pushed images are scanned."""
    for public in (*stack.starting("ecrpublic/"), *stack.of("ecr/repositoryPolicy:RepositoryPolicy")):
        yield f"{public.name} opens the registry"
    for repository in stack.of("ecr/repository:Repository"):
        if repository.text("imageTagMutability") != "IMMUTABLE":
            yield f"tags in {repository.name} can be moved"
        if not (repository.props.get("imageScanningConfiguration") or {}).get("scanOnPush"):
            yield f"{repository.name} does not scan images"


def instances_are_closed(stack: Stack) -> Iterator[str]:
    """Nothing outside the VPC connects in, disks are encrypted, containers cannot use the instance's role."""
    for group in stack.of("ec2/securityGroup:SecurityGroup"):
        for rule in group.items("ingress"):
            if not all(IPv4Network(block).is_private for block in rule.get("cidrBlocks") or ["0.0.0.0/0"]):
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
    instances_are_closed,
    managed_policies_are_known,
    no_wildcards,
    registry_is_private,
    secret_values_are_write_only,
    services_act_for_this_account,
    task_reads_its_secrets_only,
)
