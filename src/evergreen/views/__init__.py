"""What someone wants to see: read-only queries, one file a subject, across all tables."""
