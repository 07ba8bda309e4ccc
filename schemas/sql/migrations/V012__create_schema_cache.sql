-- Kept empty on purpose: the cache is Redis, and nothing that must survive may live in a cache.
CREATE SCHEMA cache;
COMMENT ON SCHEMA cache IS 'Empty: speed is the work of Redis';
