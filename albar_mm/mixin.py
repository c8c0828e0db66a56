"""The old name of :mod:`albar_mm.debias`."""

from .debias import METHODS, DebiasError, debias, difference

__all__ = ['METHODS', 'DebiasError', 'debias', 'difference']
