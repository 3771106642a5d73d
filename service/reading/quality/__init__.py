"""Image quality: faults of a picture, measured on its print."""

from service.reading.quality.photo import faults, print_faults
from service.reading.quality.values import ValuePrint, measure_value

__all__ = ["ValuePrint", "faults", "measure_value", "print_faults"]
