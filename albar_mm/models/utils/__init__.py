"""Small helpers shared by recognisers, data preprocessors and transforms."""
