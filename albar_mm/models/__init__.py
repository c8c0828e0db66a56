"""Recognisers, losses, blendings and data preprocessors."""

from . import blendings, data_preprocessors, losses, recognizers

__all__ = ['blendings', 'data_preprocessors', 'losses', 'recognizers']
