"""Benchmarks: the product's own code against the best hand-written version of the same job."""
