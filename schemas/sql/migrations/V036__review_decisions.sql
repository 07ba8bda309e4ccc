-- Decisions about reviews: who said what, and the registration that KEEP asks for.
ALTER TABLE vsync.manual_review_queue
    ADD COLUMN decided_by TEXT[],
    ADD COLUMN keep_request_id UUID,
    ADD COLUMN keeps INT NOT NULL DEFAULT 0;
COMMENT ON COLUMN vsync.manual_review_queue.decided_by IS 'Opaque subjects of those whose word was carried out: two for a deletion';
COMMENT ON COLUMN vsync.manual_review_queue.keep_request_id IS 'RequestId of the createEntry under way: durable before it leaves, and the secret of the new CID';
COMMENT ON COLUMN vsync.manual_review_queue.keeps IS 'How often the entry was to be registered again: names the workflow';
COMMENT ON COLUMN vsync.manual_review_queue.reason IS 'Why it is open: MISSING_BACEN, or what DICT said when the entry was to be registered again';
