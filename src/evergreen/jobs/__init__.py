"""Long work, outside any transaction: commit rows, train, measure a gate, watch traffic.

It speaks to Evergreen through a client only, so it can run in this process, in a worker, or on another machine. What it
found takes effect by commands, which check again what it relied on.
"""
