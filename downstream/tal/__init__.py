"""Temporal action localisation on snippet features."""
