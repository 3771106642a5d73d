"""Roles for a GitHub workflow: one that deploys from the main branch, one that previews pull requests."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.component import Component
from infra_pulumi.config import Adoption
from infra_pulumi.deployer import GITHUB_ISSUER, PREVIEW_ACTIONS, deployer_policy
from infra_pulumi.iam import policy
from infra_pulumi.names import Names

#: Role suffix and the token's subject that may assume it.
_SUBJECTS = {"deploy": "ref:refs/heads/main", "preview": "pull_request"}


@dataclass(frozen=True, slots=True)
class DeployRolesArgs:
    """Arguments of ``DeployRoles``."""

    names: Names
    account_id: pulumi.Input[str]
    #: ``owner/name`` on GitHub.
    repository: str
    #: An account has one identity provider for GitHub.
    existing_provider: Adoption
    cluster: str
    execution_role: str
    vpc: bool


class DeployRoles(Component):
    """Roles that a repository's workflows assume with their own token (OIDC), without a stored key."""

    def __init__(self, name: str, args: DeployRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("DeployRoles", name, opts)
        self._args = args
        provider_arn = pulumi.Output.concat(
            "arn:aws:iam::", args.account_id, ":oidc-provider/", GITHUB_ISSUER
        )
        if args.existing_provider == "create":
            provider_arn = aws.iam.OpenIdConnectProvider(
                self.child_name("github"),
                url=f"https://{GITHUB_ISSUER}",
                client_id_lists=["sts.amazonaws.com"],
                opts=self.child("github"),
            ).arn
        allowed = {
            "deploy": json.dumps(
                deployer_policy(
                    args.names, cluster=args.cluster, execution_role=args.execution_role, vpc=args.vpc
                )
            ),
            "preview": policy({"Action": list(PREVIEW_ACTIONS), "Resource": "*"}),
        }
        self.arns = {purpose: self._role(purpose, provider_arn, allowed[purpose]) for purpose in _SUBJECTS}
        self.register_outputs({"arns": self.arns})

    def _role(self, purpose: str, provider_arn: pulumi.Input[str], document: str) -> pulumi.Output[str]:
        role = aws.iam.Role(
            self.child_name(purpose),
            name=f"{self._args.names.deploy_role}-{purpose}",
            assume_role_policy=pulumi.Output.from_input(provider_arn).apply(
                lambda arn: _trust(arn, f"repo:{self._args.repository}:{_SUBJECTS[purpose]}")
            ),
            opts=self.child(purpose),
        )
        aws.iam.RolePolicy(
            self.child_name(f"{purpose}-actions"),
            name=f"{self._args.names.deploy_role}-{purpose}",
            role=role.name,
            policy=document,
            opts=self.child(f"{purpose}-actions"),
        )
        return role.arn


def _trust(provider_arn: str, subject: str) -> str:
    return policy(
        {
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider_arn},
            "Condition": {
                "StringEquals": {
                    f"{GITHUB_ISSUER}:aud": "sts.amazonaws.com",
                    f"{GITHUB_ISSUER}:sub": subject,
                }
            },
        }
    )
