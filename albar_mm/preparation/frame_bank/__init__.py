"""Making a frame bank for StillMix."""
