"""Numbers from arrays: metrics, profiles, score counts and tail probabilities. Pure, numpy only."""
