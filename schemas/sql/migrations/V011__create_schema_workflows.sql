CREATE SCHEMA workflows;
COMMENT ON SCHEMA workflows IS 'State of claims, VSYNC runs and OTPs: the truth beside Temporal''s order and time';
