"""What should happen, as pure functions: they take values and return decisions; others fetch and act."""
