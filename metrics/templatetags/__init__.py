"""Template tags of the metrics."""
