-- Business data of the connector: inbox, outbox, Bridge requests, subject keys.
CREATE SCHEMA connect;
COMMENT ON SCHEMA connect IS 'What every service shares: inbox, outbox, Bridge requests, subject keys';
