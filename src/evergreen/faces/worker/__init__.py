"""How jobs reach the machine: a loop that claims and performs them, and the fresh process for a project's own code."""
