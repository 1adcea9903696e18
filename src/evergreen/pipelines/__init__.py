"""What to do: steps, the graph that a pipeline makes of them, and the key of a step's result. No I/O here."""
