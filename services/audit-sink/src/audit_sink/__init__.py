"""Every event of dict/events, once, in audit.workflow_events."""
