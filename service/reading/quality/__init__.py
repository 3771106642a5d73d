"""Image quality: faults of a picture, measured on its print."""

from service.reading.quality.photo import faults

__all__ = ["faults"]
