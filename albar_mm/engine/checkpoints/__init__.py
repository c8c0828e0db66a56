"""Converting and stripping checkpoints."""
