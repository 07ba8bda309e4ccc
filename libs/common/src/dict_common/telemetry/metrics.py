"""The vocabulary of metrics: every metric of every service is declared here and nowhere else."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

messages_settled = Counter(
    "dict_messages_settled",
    "Messages that a consumer is done with, by how they ended",
    ("consumer", "settlement"),
    registry=REGISTRY,
)
message_age = Histogram(
    "dict_message_age_seconds",
    "From publish to settled; in the audit sink to committed, of new rows",
    ("consumer",),
    buckets=(*_LATENCY_BUCKETS, 60, 300, 1_800, 7_200),  # an outage is told as what it was
    registry=REGISTRY,
)
consumer_paused = Gauge(
    "dict_consumer_paused",
    "1 while a consumer waits for infrastructure to come back",
    ("consumer",),
    registry=REGISTRY,
)
consumer_lag = Gauge(
    "dict_consumer_lag_messages",
    "Messages not acknowledged at the last look: no series while the broker does not tell",
    ("consumer",),
    registry=REGISTRY,
)
consumer_lag_seconds = Gauge(
    "dict_consumer_lag_seconds",
    "Age of the oldest of them, 0 without any: no series while the broker does not tell",
    ("consumer",),
    registry=REGISTRY,
)
dead_letters = Counter(
    "dict_dead_letters",
    "Messages dead-lettered, by reason",
    ("consumer", "reason"),
    registry=REGISTRY,
)
letters_acted_on = Counter(
    "dict_dead_letters_acted_on",
    "Dead letters that an operator's request took, by service and action: redrive, discard",
    ("service", "action"),
    registry=REGISTRY,
)
letters_redriven = Counter(
    "dict_dead_letters_redriven",
    "Dead letters that a redrive is done with: redriven, or gone (retention took them)",
    ("service", "outcome"),
    registry=REGISTRY,
)
letters_waiting = Gauge(
    "dict_dead_letters_waiting",
    "Dead letters that a redrive took and that did not go back yet: alert when it stays above 0",
    ("service",),
    registry=REGISTRY,
)
outbox_published = Counter(
    "dict_outbox_published",
    "Outbox rows confirmed by the broker and deleted",
    ("service",),
    registry=REGISTRY,
)
outbox_duplicates = Counter(
    "dict_outbox_duplicates",
    "Rows that the broker already knew: resent after a crash",
    ("service",),
    registry=REGISTRY,
)
relay_active = Gauge(
    "dict_relay_active",
    "1 in the process that holds the relay's lock",
    ("service",),
    registry=REGISTRY,
)
relay_halted = Gauge(
    "dict_relay_halted",
    "1 when the relay stopped itself rather than lose an event: needs an operator",
    ("service",),
    registry=REGISTRY,
)
bridge_calls = Counter(
    "dict_bridge_calls",
    "Calls to the Bridge by outcome",
    ("operation", "outcome"),
    registry=REGISTRY,
)
bridge_latency = Histogram(
    "dict_bridge_latency_seconds",
    "Time of a Bridge call",
    ("operation",),
    buckets=_LATENCY_BUCKETS,
    registry=REGISTRY,
)
statement_slow = Counter(
    "dict_statements_slow",
    "SQL statements over 100 ms, by query name",
    ("query",),
    registry=REGISTRY,
)
pool_size = Gauge("dict_pool_connections", "Open PostgreSQL connections", registry=REGISTRY)
cache_requests = Counter(
    "dict_cache_requests",
    "Calls to the cache by outcome: hit, miss, error, skipped, refused",
    ("operation", "outcome"),
    registry=REGISTRY,
)
claim_steps = Counter(
    "claim_orchestrator_steps",
    "Steps of claims' workflows, by name and outcome",
    ("name", "outcome"),
    registry=REGISTRY,
)
claims_running = Gauge(
    "claim_orchestrator_claims_running", "Claims that are not over", registry=REGISTRY
)
claims_overdue = Gauge(
    "claim_orchestrator_claims_overdue",
    "Claims past their deadline that are not over: alert when it stays above 0",
    registry=REGISTRY,
)
claims_held = Gauge(
    "claim_orchestrator_claims_held",
    "Claims with an error that waits for DICT or an operator",
    registry=REGISTRY,
)
audit_rows = Counter("audit_sink_rows", "New rows in audit.workflow_events", registry=REGISTRY)
audit_replayed = Counter(
    "audit_sink_replayed_messages",
    "Messages that replays have read and stored the effect of, whatever it was",
    registry=REGISTRY,
)
audit_duplicates = Counter(
    "audit_sink_duplicates", "Events that were already there", registry=REGISTRY
)
audit_batch_seconds = Histogram(
    "audit_sink_batch_seconds",
    "Time of one batch, from received to committed",
    buckets=_LATENCY_BUCKETS,
    registry=REGISTRY,
)
audit_default_rows = Gauge(
    "audit_sink_default_partition_rows",
    "Rows in the DEFAULT partition at the last look, and what fell in since: alert above 0",
    registry=REGISTRY,
)
audit_horizon_days = Gauge(
    "audit_sink_partition_horizon_days",
    "Days until the first instant that no month partition holds: alert below 31",
    registry=REGISTRY,
)
vsync_report_delay = Histogram(
    "vsync_report_delay_seconds",
    "From DICT's answer to Core's report of it: alert where 99 of 100 take VSYNC_SETTLE_SECONDS",
    ("participant",),
    buckets=(0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3_600),
    registry=REGISTRY,
)
vsync_runs = Counter(
    "vsync_runs",
    "Runs over sets by status: alert on FAILED, and on PARTIAL that comes again",
    ("participant", "key_type", "status"),
    registry=REGISTRY,
)
vsync_duration = Histogram(
    "vsync_duration_seconds",
    "Time of a run over a set: alert above an hour",
    ("sync_type",),
    buckets=(1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 21_600),
    registry=REGISTRY,
)
vsync_discrepancies = Gauge(
    "vsync_discrepancies",
    "Keys that differed in the last run of a set: alert above 100",
    ("participant", "key_type"),
    registry=REGISTRY,
)
vsync_missing_bacen = Gauge(
    "vsync_missing_bacen",
    "Keys that the last run of a set put before a person: alert above 10",
    ("participant", "key_type"),
    registry=REGISTRY,
)
vsync_proof_age = Gauge(
    "vsync_proof_age_seconds",
    "Since a set was last proven equal to Bacen's, infinite if never: alert above 30 hours",
    ("participant", "key_type"),
    registry=REGISTRY,
)
vsync_reviews_open = Gauge(
    "vsync_reviews_open",
    "Keys that Bacen does not have and a person decides about",
    registry=REGISTRY,
)
vsync_reviews_overdue = Gauge(
    "vsync_reviews_overdue",
    "Those that nobody decided about within 36 hours: alert above 0",
    registry=REGISTRY,
)
vsync_fold_differed = Counter(
    "vsync_fold_differed",
    "Sets whose folded VSync was not the computed one, and was put right: alert above 0",
    ("participant", "key_type"),
    registry=REGISTRY,
)


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)
