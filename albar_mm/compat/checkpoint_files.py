"""Never being without a whole checkpoint on disk (used by :mod:`albar_mm.compat` only)."""

import builtins
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import IO, Any

from ..utils.files import whole_file


class _RemoveLater:
    """A file backend that only notes what to remove."""

    def __init__(self, backend: Any) -> None:  # noqa: ANN401
        self._backend = backend
        self._waiting: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self._waiting.append(('remove', path))

    def rmtree(self, path: str) -> None:
        self._waiting.append(('rmtree', path))

    def finish(self, keep: set[str | None]) -> None:
        """Remove what was noted, but for paths in ``keep``."""
        waiting, self._waiting = self._waiting, []
        for method, path in waiting:
            if path not in keep:
                getattr(self._backend, method)(path)


def _kept(hook: Any) -> set[str | None]:  # noqa: ANN401
    best = getattr(hook, 'best_ckpt_path_dict', None) or {}
    return {hook.last_ckpt, getattr(hook, 'best_ckpt_path', None), *best.values()}


def remove_after_saving(save: Callable) -> Callable:
    """Make ``CheckpointHook`` remove an old checkpoint when the new one is there, not before.

    Args:
        save: ``CheckpointHook._save_checkpoint_with_step`` or ``._save_best_checkpoint``.

    Returns:
        A method with the same arguments. After a failure nothing is removed.
    """

    @functools.wraps(save)
    def saving(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        outer = getattr(self, 'file_backend', None)
        if outer is None:  # validation alone: CheckpointHook.before_train has not run
            save(self, *args, **kwargs)
            return
        if isinstance(outer, _RemoveLater):  # a best checkpoint was saved, now the epoch's again
            outer.finish(_kept(self))
        self.file_backend = later = _RemoveLater(outer)
        try:
            save(self, *args, **kwargs)
        finally:
            self.file_backend = outer
        later.finish(_kept(self))

    return saving


@contextmanager
def open_whole(path: str, mode: str = 'r', **kwargs: Any) -> Iterator[IO]:  # noqa: ANN401
    """:func:`open` that, in mode ``'w'``, puts the file in place when it is finished.

    Args:
        path: The file.
        mode: As for :func:`open`.
        kwargs: As for :func:`open`.
    """
    with whole_file(path) if mode == 'w' else nullcontext(path) as target:
        with builtins.open(target, mode, **kwargs) as stream:
            yield stream
