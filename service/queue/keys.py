"""Names in Redis, FiLot's and ours, beside the four that settings name."""

#: The first two are the backend's as well.
CORRELATION_KEY = "filot:ocr:gpu:correlation"
TIMESTAMPS_KEY = "filot:ocr:gpu:processing:timestamps"
LOCK_PREFIX = "filot:ocr:gpu:lock:"
LEASES_KEY = "filot:ocr:gpu:leases"
RETRY_KEY = "filot:ocr:gpu:later"
TOKENS_KEY = "filot:ocr:gpu:tokens"
JOB_PREFIX = "filot:ocr:gpu:job:"
WATCH_KEY = "filot:ocr:gpu:watch"
#: Finished documents whose field in the CPU pipeline's attempts may still be set.
CLAIMED_KEY = f"{WATCH_KEY}:claimed"

#: The backend's CPU pipeline. Its list is appended to on request, and a second source where
#: ``OCR_GPU_CLAIM_CPU_QUEUE`` says so; all else is only read.
CPU_QUEUE_KEY = "filot:ocr:queue"
CPU_ATTEMPTS_KEY = "filot:ocr:attempts"
CPU_PROCESSING_KEY = "filot:ocr:processing"
CPU_DELAYED_KEY = "filot:ocr:delayed"
