-- The row of FiLot's `manual_reviews` that belongs to a review: every retry uses the same id.
ALTER TABLE ocr_worker.outbox ADD COLUMN IF NOT EXISTS review_id uuid;

-- One pending review per document; erasure looks for the document's entries as well.
CREATE INDEX IF NOT EXISTS outbox_document ON ocr_worker.outbox (document_id);

-- Since when the document store has refused this document's file; null while it does not.
ALTER TABLE ocr_worker.claims ADD COLUMN IF NOT EXISTS refused_since timestamptz;
