"""Values that every folder shares: errors, digests, references, messages, expressions, clocks."""
