-- Our own tables. They are in FiLot's database so that a result and its outbox entries are written in one
-- transaction. Every statement is a no-op where its object exists: databases made before migrations were numbered
-- have all of them.
DO $$ BEGIN
    -- CREATE SCHEMA IF NOT EXISTS needs the CREATE privilege even where the schema exists.
    IF to_regnamespace('ocr_worker') IS NULL THEN
        CREATE SCHEMA ocr_worker;
    END IF;
END $$;

-- Who may write a document's result: the holder of the highest fencing token.
CREATE TABLE IF NOT EXISTS ocr_worker.claims (
    document_id uuid PRIMARY KEY,
    fence bigint NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now()
);

-- The outbox: results to publish, reviews to request. A delivered entry is kept for a day without its payload, so
-- that a redelivered job is not delivered twice.
CREATE TABLE IF NOT EXISTS ocr_worker.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('result', 'review')),
    job_id uuid NOT NULL,
    document_id text NOT NULL,
    correlation_id text NOT NULL,
    payload jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    told_at timestamptz,
    given_up_at timestamptz,
    UNIQUE (job_id, kind)
);
-- Dead letters: jobs that used up their attempts, kept until an operator queues or drops them.
CREATE TABLE IF NOT EXISTS ocr_worker.dead (
    document_id uuid PRIMARY KEY,
    job_id uuid NOT NULL,
    attempts integer NOT NULL,
    cause text NOT NULL,
    died_at timestamptz NOT NULL DEFAULT now()
);
-- Job records of the last day, for the status page and the metrics. Numbers and ids only.
CREATE TABLE IF NOT EXISTS ocr_worker.endings (
    job_id uuid PRIMARY KEY,
    document_id text NOT NULL,
    document_type text NOT NULL,
    outcome text NOT NULL,
    device text NOT NULL,
    score integer,
    code text,
    milliseconds integer NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT now()
);
DO $$ BEGIN
    -- CREATE INDEX IF NOT EXISTS waits for running writes before it checks for the index.
    IF to_regclass('ocr_worker.outbox_due') IS NULL THEN
        CREATE INDEX outbox_due ON ocr_worker.outbox (kind, due_at)
            WHERE told_at IS NULL AND given_up_at IS NULL;
    END IF;
    IF to_regclass('ocr_worker.outbox_given_up') IS NULL THEN
        CREATE INDEX outbox_given_up ON ocr_worker.outbox (created_at, id) WHERE given_up_at IS NOT NULL;
    END IF;
    IF to_regclass('ocr_worker.endings_ended') IS NULL THEN
        CREATE INDEX endings_ended ON ocr_worker.endings (ended_at);
        CREATE INDEX endings_failed ON ocr_worker.endings (ended_at) WHERE outcome = 'failed';
    END IF;
END $$;
