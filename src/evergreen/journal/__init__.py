"""What happened: append, read, verify. A transparency log (RFC 6962) beside the tables, never their source."""
