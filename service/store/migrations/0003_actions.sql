-- What operators did, for whoever asks later: who, when, what, why, and to which documents.
CREATE TABLE IF NOT EXISTS ocr_worker.actions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    done_at timestamptz NOT NULL DEFAULT now(),
    operator text NOT NULL,
    action text NOT NULL,
    reason text NOT NULL,
    -- Ids of the documents that it was done to; empty where it was done to all workers.
    documents text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS actions_done ON ocr_worker.actions (done_at);
