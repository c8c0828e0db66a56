"""Mask sources: which pixels of a source video are its actors."""
