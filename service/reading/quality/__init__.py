"""What is wrong with a picture as such: faults that are measured on its print, whatever the card says."""

from service.reading.quality.photo import faults

__all__ = ["faults"]
