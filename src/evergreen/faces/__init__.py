"""How people and machines reach Evergreen. Faces don't know each other; ``client`` below them is what they share."""
