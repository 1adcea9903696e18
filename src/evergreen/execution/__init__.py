"""Where work runs: inline in this process, or in a fresh interpreter on a snapshot of the code."""
