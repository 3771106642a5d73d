"""What to do about a thing that was made before this stack: see ``filot:existing``."""

import pulumi

from infra_pulumi.config import Adoption


def adopting(how: Adoption, identifier: str) -> pulumi.ResourceOptions:
    """Options that take an existing thing into the stack as it is, when ``how`` says so.

    An import must not differ from what exists, so all differences are ignored until the operator sets
    the switch back to ``create``; the next update then brings the thing into line.
    """
    if how != "import":
        return pulumi.ResourceOptions()
    return pulumi.ResourceOptions(import_=identifier, ignore_changes=["*"])
