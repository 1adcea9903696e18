"""Is a deployed model still good: drift of its inputs and performance on its outcomes, at a stated false-alarm rate."""
