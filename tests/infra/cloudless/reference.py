"""Generated tables of docs/infrastructure-reference.md, written by `make graph`."""

from collections.abc import Iterator

from cloudless.deployment import ROOT
from infra_pulumi.config import ScaleOutStep, StackConfig
from infra_pulumi.environment import SECRETS
from infra_pulumi.instance_types import INSTANCE_TYPES, size_for

PAGE = ROOT / "docs" / "infrastructure-reference.md"


def option_rows() -> Iterator[str]:
    """One row for each option of the stack's configuration."""
    yield "| `aws:region` |  | region of the stack |"
    yield "| `aws:profile`, `aws:assumeRoles` |  | credentials, for Pulumi and for make's commands |"
    for name, field in StackConfig.model_fields.items():
        yield f"| `filot:{field.alias or name}` | {_shown(field.default)} | {field.description} |"
    for secret in SECRETS:
        meaning = f"value of the secret `filot/{secret.key}`, with `--secret`; better set by `make secrets`"
        yield f"| `filot:{secret.key}` |  | {meaning} |"


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        steps = [f"{s.above}: +{s.add}" if isinstance(s, ScaleOutStep) else str(s) for s in default]
        return f"`{', '.join(steps)}`" if steps else ""
    return f"`{default}`" if isinstance(default, str | int) else ""


def type_rows() -> Iterator[str]:
    """One row for each supported instance type."""
    for name, found in INSTANCE_TYPES.items():
        size = size_for([name])
        yield f"| `{name}` | {found.gpu} | {found.vcpus} | {found.memory_gib} | {size.cpu} | {size.memory} |"


TABLES = {
    "options": ("| key | default | meaning |\n| --- | --- | --- |", option_rows),
    "types": (
        "| type | GPU | vCPUs | GiB | CPU units of a task | MiB of a task |\n"
        "| --- | --- | ---: | ---: | ---: | ---: |",
        type_rows,
    ),
}


def filled(page: str) -> str:
    """The page with its generated tables replaced."""
    for name, (head, rows) in TABLES.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = "\n".join([before + begin + head, *rows(), end + after])
    return page


def main() -> None:
    """Write the tables."""
    PAGE.write_text(filled(PAGE.read_text()))


if __name__ == "__main__":
    main()
