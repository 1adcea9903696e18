"""Is it good: what is measured of data and models, and the verdicts. Nothing here decides what follows from them."""
