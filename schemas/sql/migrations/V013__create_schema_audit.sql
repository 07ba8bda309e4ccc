CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'Every event once, append only';
