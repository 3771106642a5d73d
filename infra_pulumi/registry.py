"""The ECR repository that holds the worker's images."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.adoption import adopting
from infra_pulumi.component import Component
from infra_pulumi.config import Adoption
from infra_pulumi.names import DEPLOYED_PREFIX

#: Deployed images to keep: the running one and those that a roll-back may need.
KEPT_DEPLOYED = 50

#: Pushed images to keep that were never deployed.
KEPT_IMAGES = 30

#: Days after which an image without a tag is deleted.
UNTAGGED_DAYS = 7


@dataclass(frozen=True, slots=True)
class RegistryArgs:
    """Arguments of ``Registry``."""

    repository_name: str
    existing: Adoption


class Registry(Component):
    """A private repository with immutable tags, scan on push and expiry of old images."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Registry", name, opts)
        self.repository_url: pulumi.Output[str]
        self.repository_arn: pulumi.Output[str]
        if args.existing == "lookup":
            found = aws.ecr.get_repository_output(name=args.repository_name, opts=self.invoke_opts())
            self.repository_url, self.repository_arn = found.repository_url, found.arn
        else:
            made = self._repository(args)
            self.repository_url, self.repository_arn = made.repository_url, made.arn
        self.register_outputs({"repositoryUrl": self.repository_url})

    def _repository(self, args: RegistryArgs) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            self.child_name("repository"),
            name=args.repository_name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "AES256"}],
            opts=pulumi.ResourceOptions.merge(
                self.child("repository", protect=True), adopting(args.existing, args.repository_name)
            ),
        )
        aws.ecr.LifecyclePolicy(
            self.child_name("lifecycle"),
            repository=repository.name,
            policy=json.dumps(lifecycle_policy()),
            opts=self.child("lifecycle"),
        )
        return repository


def lifecycle_policy() -> dict[str, object]:
    """Expiry rules. ECR never lets a rule expire an image that a rule of higher priority selects."""
    return {
        "rules": [
            _expire(
                1,
                f"the newest {KEPT_DEPLOYED} deployed images stay",
                {
                    "tagStatus": "tagged",
                    "tagPrefixList": [DEPLOYED_PREFIX],
                    "countType": "imageCountMoreThan",
                    "countNumber": KEPT_DEPLOYED,
                },
            ),
            _expire(
                2,
                f"images without a tag expire after {UNTAGGED_DAYS} days",
                {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": UNTAGGED_DAYS,
                },
            ),
            _expire(
                3,
                f"the newest {KEPT_IMAGES} other images stay",
                {
                    "tagStatus": "tagged",
                    "tagPatternList": ["*"],
                    "countType": "imageCountMoreThan",
                    "countNumber": KEPT_IMAGES,
                },
            ),
        ]
    }


def _expire(priority: int, description: str, selection: dict[str, object]) -> dict[str, object]:
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection,
        "action": {"type": "expire"},
    }
