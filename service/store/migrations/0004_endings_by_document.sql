-- For the count of failures, which looks whether a document ended again later, and for erasure.
DO $$ BEGIN
    -- Where a day has millions of documents, an operator may have made it before, CONCURRENTLY.
    IF to_regclass('ocr_worker.endings_document') IS NULL THEN
        CREATE INDEX endings_document ON ocr_worker.endings (document_id, ended_at);
    END IF;
END $$;
