"""Training and testing as the tools do it."""
