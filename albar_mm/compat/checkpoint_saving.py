"""Never being without a whole checkpoint on disk (used by :mod:`albar_mm.compat` only)."""

import builtins
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import IO, Any

from ..utils.files import whole_file


def save_whole(save: Callable) -> Callable:
    """Make mmengine's ``save_checkpoint`` write a local file whole or not at all.

    Args:
        save: ``mmengine.runner.checkpoint.save_checkpoint``.

    Returns:
        A function with the same arguments that writes to a temporary name and renames.
    """

    def save_checkpoint(
        checkpoint: dict,
        filename: str,
        file_client_args: dict | None = None,
        backend_args: dict | None = None,
    ) -> None:
        filename = str(filename)
        if '://' in filename or ':' in os.path.basename(filename) or file_client_args:
            save(checkpoint, filename, file_client_args, backend_args)
            return
        with whole_file(filename) as part:
            save(checkpoint, str(part), file_client_args, backend_args)

    save_checkpoint.__doc__ = save.__doc__
    return save_checkpoint


class _RemoveLater:
    """A file backend that only notes what to remove."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._waiting: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
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


def _kept(hook: Any) -> set[str | None]:
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
    def saving(self: Any, *args: Any, **kwargs: Any) -> None:
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
def open_whole(path: str, mode: str = 'r', **kwargs: Any) -> Iterator[IO]:
    """:func:`open` that, in mode ``'w'``, puts the file in place when it is finished.

    Args:
        path: The file.
        mode: As for :func:`open`.
        kwargs: As for :func:`open`.
    """
    with whole_file(path) if mode == 'w' else nullcontext(path) as target:
        with builtins.open(target, mode, **kwargs) as stream:
            yield stream
