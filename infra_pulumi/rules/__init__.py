"""Laws that the stack keeps and no server checks; the policy pack and the tests apply them."""

from infra_pulumi.rules import access, monitoring, services, tasks
from infra_pulumi.rules.declared import Rule

ALL: tuple[Rule, ...] = (*access.RULES, *monitoring.RULES, *services.RULES, *tasks.RULES)
