"""Where the worker's images are kept."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.adoption import adopting
from infra_pulumi.config import Adoption
from infra_pulumi.names import WORKER

#: Tagged images that stay, so that a roll-back finds its image.
KEPT_IMAGES = 30

#: Days after which an image that no tag names is deleted.
UNTAGGED_DAYS = 7


@dataclass(frozen=True, slots=True)
class RegistryArgs:
    """What the registry needs to know."""

    existing: Adoption


class Registry(pulumi.ComponentResource):
    """The ECR repository: private, immutable tags, scanned on push, old images expire."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("filot:infra:Registry", name, None, opts)
        self.repository_url: pulumi.Output[str]
        if args.existing == "lookup":
            found = aws.ecr.get_repository_output(name=WORKER, opts=pulumi.InvokeOutputOptions(parent=self))
            self.repository_url = found.repository_url
        else:
            self.repository_url = self._repository(args.existing).repository_url
        self.register_outputs({"repositoryUrl": self.repository_url})

    def _repository(self, existing: Adoption) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            "repository",
            name=WORKER,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "AES256"}],
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(parent=self, protect=True), adopting(existing, WORKER)
            ),
        )
        aws.ecr.LifecyclePolicy(
            "lifecycle",
            repository=repository.name,
            policy=json.dumps(_lifecycle()),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return repository


def _lifecycle() -> dict[str, object]:
    def rule(priority: int, description: str, selection: dict[str, object]) -> dict[str, object]:
        return {
            "rulePriority": priority,
            "description": description,
            "selection": selection,
            "action": {"type": "expire"},
        }

    untagged = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": UNTAGGED_DAYS,
    }
    tagged = {
        "tagStatus": "tagged",
        "tagPatternList": ["*"],
        "countType": "imageCountMoreThan",
        "countNumber": KEPT_IMAGES,
    }
    return {
        "rules": [
            rule(1, f"untagged images go after {UNTAGGED_DAYS} days", untagged),
            rule(2, f"the newest {KEPT_IMAGES} images stay", tagged),
        ]
    }
