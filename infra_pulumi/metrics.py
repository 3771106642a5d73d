"""The CloudWatch metrics that the worker publishes and that alarms, scaling and the dashboard read.

The worker writes them as embedded metric format lines into its log group, each with one dimension,
``Service``. This module imports nothing, so that the worker's tests can compare it with what they see.
"""

#: The worker's ``METRICS_NAMESPACE``.
NAMESPACE = "FiLot"

#: Name of the only dimension; its value is ``names.WORKER``.
DIMENSION = "Service"

#: Documents that wait in FiLot's list, and with ``OCR_GPU_CLAIM_CPU_QUEUE`` in its CPU list as well. Every
#: worker reports the same lists: read it with Maximum, never Sum.
QUEUE_LENGTH = "QueueLength"

#: Those of them that wait in the CPU list. Maximum.
CLAIMABLE_LENGTH = "ClaimableLength"

#: Seconds since the oldest of them was enqueued, as far as the worker knows. Maximum.
OLDEST_WAITING_AGE = "OldestWaitingAgeSeconds"

#: Documents being processed in one worker. Sum over workers.
ACTIVE_JOBS = "ActiveJobs"

#: Documents that ended, well or not, since the last report. Sum.
RESULTS = "Results"

#: Those of ``RESULTS`` that failed for good. Sum.
ERRORS = "Errors"

#: Milliseconds from taking a document to publishing its result. Average, percentiles.
PROCESSING_TIME = "ProcessingTimeMs"

#: Reviews that were asked for in vain for a day and are not asked for any more. Every worker reports the same
#: ones: Maximum.
REVIEWS_GIVEN_UP = "ReviewsGivenUp"

#: 1 in each report, once a minute, while the worker gets on with its work. Sum, SampleCount.
HEARTBEAT = "Heartbeat"

ALL = frozenset(
    {
        *(QUEUE_LENGTH, OLDEST_WAITING_AGE, ACTIVE_JOBS, RESULTS, ERRORS, PROCESSING_TIME),
        *(CLAIMABLE_LENGTH, REVIEWS_GIVEN_UP, HEARTBEAT),
    }
)
