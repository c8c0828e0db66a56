"""Pixels of the bias benchmarks: masks at hand, backgrounds, stripes, pasting."""
