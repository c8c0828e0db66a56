"""Many runs, one table: demo, comparison of methods, ablations."""
