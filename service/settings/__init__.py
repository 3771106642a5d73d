"""The settings: every environment variable that the service reads, validated once."""

from service.settings.listing import describe_settings, unclear_switches, unknown_variables
from service.settings.loading import current_settings, load_settings, needed, require_servers
from service.settings.model import MIN_PROBABILITY, Arena, CudnnSearch, Settings

__all__ = [
    "MIN_PROBABILITY",
    "Arena",
    "CudnnSearch",
    "Settings",
    "current_settings",
    "describe_settings",
    "load_settings",
    "needed",
    "require_servers",
    "unclear_switches",
    "unknown_variables",
]
