"""Apache Pulsar: consume, settle, publish, relay, dead-letter."""
