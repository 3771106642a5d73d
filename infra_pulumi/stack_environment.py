"""Environment variables between ``make`` and the Pulumi program."""

#: The image to deploy. Set by ``make deploy``; the configuration records it once the update has succeeded.
DIGEST_VARIABLE = "FILOT_IMAGE_DIGEST"
