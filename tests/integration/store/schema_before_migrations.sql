-- Our own tables, beside FiLot's in the same database, so that a result and what is still to be told of it are one
-- transaction. Run by every process on its first connection, under an advisory lock.
DO $$ BEGIN
    -- IF NOT EXISTS would ask for the right to create schemas at every start.
    IF to_regnamespace('ocr_worker') IS NULL THEN
        CREATE SCHEMA ocr_worker;
    END IF;
END $$;

-- Who may write a document's result: the take with the highest fence.
CREATE TABLE IF NOT EXISTS ocr_worker.claims (
    document_id uuid PRIMARY KEY,
    fence bigint NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now()
);

-- What is still to be told: results to the channel, reviews to BULI2. A told row stays for a while without its
-- payload, so that a redelivered job knows what it need not repeat.
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
-- Jobs that used up their attempts, for the operator: to look at, to queue again, or to drop.
CREATE TABLE IF NOT EXISTS ocr_worker.dead (
    document_id uuid PRIMARY KEY,
    job_id uuid NOT NULL,
    attempts integer NOT NULL,
    cause text NOT NULL,
    died_at timestamptz NOT NULL DEFAULT now()
);
-- How documents ended, for whoever looks: of all workers, and after any restart. Figures and ids only; kept for a day.
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
    -- IF NOT EXISTS would wait for whoever writes into the tables, before it looks.
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
