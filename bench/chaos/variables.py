"""Environment variables that configure the bench's workers."""

#: Where the trace lies; without it the service's own engine reads.
TRACE = "FILOT_CHAOS_TRACE"

#: The worker's name in the trace, and in what it reads.
TAG = "FILOT_CHAOS_TAG"

#: Seconds by which the worker's clock is wrong.
SKEW = "FILOT_CHAOS_SKEW"
