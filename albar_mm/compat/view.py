"""A module seen through a few replaced names (used by :mod:`albar_mm.compat` only)."""

import types
from typing import Any


class ModuleView(types.ModuleType):
    """A module with some names replaced, for *one* importer.

    A mend swaps the name ``np`` or ``torch`` inside a single third-party module for a view, so that
    the real module stays as it is for everybody else.

    Args:
        module: The module to look through to.
        replaced: Names that differ from ``module``.
    """

    def __init__(self, module: types.ModuleType, **replaced: Any) -> None:  # noqa: ANN401
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(replaced, _viewed=module)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name == '_viewed':  # not set yet: a copy or an unpickling asks before __init__ ran
            raise AttributeError(name)
        return getattr(self._viewed, name)
