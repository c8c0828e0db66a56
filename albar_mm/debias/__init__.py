"""Turning any MMAction2 recogniser config into a debiased one."""

from ..utils.errors import DebiasError
from .methods import METHODS, debias, difference

__all__ = ['METHODS', 'DebiasError', 'debias', 'difference']
