"""CloudWatch metrics that the worker publishes; alarms, scaling and the dashboard read them.

The worker writes them in the embedded metric format to its log group, each with one dimension, ``Service``.
This module imports nothing, so that the worker's tests can compare it with what the worker emits.
"""

#: The production stack's namespace, and the default of the worker's ``METRICS_NAMESPACE``.
NAMESPACE = "FiLot"

#: Name of the only dimension; its value is ``names.CONTAINER``.
DIMENSION = "Service"

#: Documents waiting, in all lists that the worker takes from. Every worker reports the same value: Maximum,
#: never Sum.
QUEUE_LENGTH = "QueueLength"

#: The part of ``QUEUE_LENGTH`` that waits in the CPU pipeline's list (``OCR_GPU_CLAIM_CPU_QUEUE``). Maximum.
CLAIMABLE_LENGTH = "ClaimableLength"

#: Age of the oldest waiting document in seconds, as far as the worker knows. Maximum.
OLDEST_WAITING_AGE = "OldestWaitingAgeSeconds"

#: Documents being processed in one worker. Sum over workers.
ACTIVE_JOBS = "ActiveJobs"

#: Documents finished since the last report, successfully or not. Sum.
RESULTS = "Results"

#: Documents of ``RESULTS`` that failed permanently. Sum.
ERRORS = "Errors"

#: Milliseconds from taking a document to publishing its result. Average, percentiles.
PROCESSING_TIME = "ProcessingTimeMs"

#: Reviews that were requested for a day without an answer and are no longer retried. Every worker reports
#: the same value: Maximum.
REVIEWS_GIVEN_UP = "ReviewsGivenUp"

#: 1 per report, once a minute, while the worker makes progress. SampleCount.
HEARTBEAT = "Heartbeat"

#: 1 while the worker recognises text on a GPU, 0 while it does not. Reported once the worker has probed.
#: Minimum.
GPU_IN_USE = "GpuInUse"

#: Share of time in which the GPU computed, in percent; absent without a GPU. Average.
GPU_UTILIZATION = "GpuUtilization"

#: Documents read on the CPU since the last report although the worker is meant to use a GPU. Sum.
FALLBACK_DOCUMENTS = "FallbackDocuments"

ALL = frozenset(
    {
        *(QUEUE_LENGTH, CLAIMABLE_LENGTH, OLDEST_WAITING_AGE, ACTIVE_JOBS, RESULTS, ERRORS),
        *(PROCESSING_TIME, REVIEWS_GIVEN_UP, HEARTBEAT, GPU_IN_USE, GPU_UTILIZATION, FALLBACK_DOCUMENTS),
    }
)
