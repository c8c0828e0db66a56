"""albar_mm: find and remove static (appearance) bias in MMAction2 action recognisers.

Importing the package mends the released mmaction2 / mmengine (:mod:`albar_mm.compat`) and puts
every component into mmaction's own registries.
"""

from . import compat

compat.apply()

from . import datasets, engine, evaluation, models  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = ['__version__', 'compat', 'datasets', 'engine', 'evaluation', 'models']
