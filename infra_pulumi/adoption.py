"""Adoption of resources that exist already: see ``filot:existing``."""

import pulumi

from infra_pulumi.config import Adoption


def adopting(how: Adoption, identifier: str) -> pulumi.ResourceOptions:
    """Options that import an existing resource, if ``how`` says so.

    An import must not differ from what exists, so all differences are ignored until the operator sets the
    switch back to ``create``; the next update then brings the resource in line with the program.
    """
    if how != "import":
        return pulumi.ResourceOptions()
    return pulumi.ResourceOptions(import_=identifier, ignore_changes=["*"])
