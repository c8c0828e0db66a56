"""Labelling the scenes of the videos of a list."""
