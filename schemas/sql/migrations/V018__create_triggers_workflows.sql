CREATE FUNCTION connect.update_updated_at_column() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER update_claim_workflows_updated_at
    BEFORE UPDATE ON workflows.claim_workflows
    FOR EACH ROW EXECUTE FUNCTION connect.update_updated_at_column();
CREATE TRIGGER update_bridge_requests_updated_at
    BEFORE UPDATE ON connect.bridge_requests
    FOR EACH ROW EXECUTE FUNCTION connect.update_updated_at_column();
