"""StillMix's reference network and its frame bank, made once for a comparison."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from ..engine.launch import load_config, train
from ..preparation.frame_bank.build import FrameBankOptions, build_frame_bank
from ..utils.errors import DatasetError, LaunchError
from ..utils.files import write_text

_STATE = 'reference.json'
_OF_BANK = ('window', 'size', 'measure', 'every', 'frame_size', 'seed')


@dataclass(frozen=True)
class ReferenceBank:
    """A reference network to train, and the bank to draw with it.

    Attributes:
        cfg: Config of the network.
        bank: Options of :class:`~..datasets.preparation.frame_bank.FrameBankOptions`.
    """

    cfg: Config
    bank: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_config(cls, given: Mapping[str, Any], folder: Path) -> ReferenceBank:
        """Read ``comparison.reference``.

        Args:
            given: ``config`` (path, relative to ``folder``, or ``albar_mm::<name>``), optionally
                ``cfg_options``, and options of the bank: ``window``, ``size``, ``measure``,
                ``every``, ``frame_size``, ``seed``.
            folder: Where the config that names it lies.

        Raises:
            LaunchError: No such config, an unknown key, or a bank that cannot be made, which would
                show only after the training.
        """
        known = ('config', 'cfg_options', *_OF_BANK)
        unknown = sorted(set(given) - set(known))
        if unknown or 'config' not in given:
            wrong = f'unknown {unknown[0]!r}' if unknown else 'no config'
            raise LaunchError(f'comparison.reference: {wrong}; expected {", ".join(known)}')
        named = os.fspath(given['config'])
        config = named if '::' in named or os.path.isabs(named) else str(folder / named)
        cfg = load_config(config, given.get('cfg_options'))
        bank = {key: given[key] for key in _OF_BANK if key in given}
        if isinstance(bank.get('window'), list):
            bank['window'] = tuple(bank['window'])
        try:
            FrameBankOptions(**bank)
        except DatasetError as error:
            raise LaunchError(f'comparison.reference: {error}') from error
        return cls(cfg, bank)

    def path(self, folder: Path) -> Path:
        """Where the bank lies, or will lie.

        Args:
            folder: Folder of the reference network.
        """
        return folder.absolute() / 'bank.npz'

    def make(self, folder: Path) -> Path:
        """Train the network and write the bank, or go on, or reuse what is there.

        Args:
            folder: Folder to write to.

        Returns:
            The bank.

        Raises:
            LaunchError: ``folder`` holds another network, or its training fails.
            DatasetError: The bank cannot be made.
        """
        state, path = self._state(folder), self.path(folder)
        if not state.get('trained'):
            print_log('=== reference network of StillMix', logger='current')
            train(self.cfg, work_dir=str(folder), resume='auto')
            self._save(folder, dict(state, trained=True))
        if not path.is_file():
            checkpoint = (folder / 'last_checkpoint').read_text(encoding='utf-8').strip()
            built = build_frame_bank(self.cfg, checkpoint, path, FrameBankOptions(**self.bank))
            print_log('\n'.join(built.lines), logger='current')
        return path

    def _state(self, folder: Path) -> dict[str, Any]:
        text = f'{self.cfg.pretty_text}\n{sorted(self.bank.items())}'
        digest = hashlib.sha256(text.encode()).hexdigest()
        path = folder / _STATE
        if not path.is_file():
            state = dict(settings_sha256=digest)
            self._save(folder, state)
            return state
        try:
            state = json.loads(path.read_text(encoding='utf-8'))
            if not isinstance(state, dict):
                raise ValueError('no JSON object')
        except ValueError as error:
            raise LaunchError(
                f'{path} is broken ({error}): delete {folder}, and the reference '
                'network is trained anew'
            ) from error
        if state.get('settings_sha256') != digest:
            raise LaunchError(
                f'{folder} holds a reference network of other settings: give another '
                'work folder or delete this one'
            )
        return state

    def _save(self, folder: Path, state: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / _STATE, json.dumps(state, indent=1) + '\n')
