"""The contracts that all members share: Avro, topics, Temporal names, examples, proto, SQL."""
