"""What was tried: runs with their parameters and metrics, and the results of steps by cache key."""
