"""StillMix's reference network and its frame bank, made once for a comparison."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from ..engine.checkpoints.source import last_checkpoint
from ..engine.launch import load_config, train
from ..preparation.frame_bank.build import FrameBankOptions, build_frame_bank
from ..utils.errors import DatasetError, LaunchError
from ..utils.files import write_json
from .experiment import read_record

_STATE = 'reference.json'
_OF_BANK = ('window', 'size', 'measure', 'every', 'frame_size', 'seed')


@dataclass(frozen=True)
class ReferenceBank:
    """A reference network to train, and the bank to draw with it.

    Attributes:
        cfg: Config of the network.
        bank: Options of :class:`~..preparation.frame_bank.build.FrameBankOptions`.
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
        cfg = load_config(named if '::' in named else folder / named, given.get('cfg_options'))
        bank = {key: given[key] for key in _OF_BANK if key in given}
        bank = {key: tuple(v) if isinstance(v, list) else v for key, v in bank.items()}
        try:
            FrameBankOptions(**bank)
        except DatasetError as error:
            raise LaunchError(f'comparison.reference: {error}') from error
        return cls(cfg, bank)

    def path(self, folder: Path) -> Path:
        """Where the bank lies, or will lie, in the folder of the reference network."""
        return folder.absolute() / 'bank.npz'

    def make(self, folder: Path) -> Path:
        """Train the network in a folder and write the bank, or go on, or reuse what is there.

        Raises:
            LaunchError: ``folder`` holds another network, or its training fails.
            DatasetError: The bank cannot be made.
        """
        settings = f'{self.cfg.pretty_text}\n{sorted(self.bank.items())}'
        digest = hashlib.sha256(settings.encode()).hexdigest()
        state = read_record(folder / _STATE, digest)
        if state is None:
            state = dict(settings_sha256=digest)
            write_json(folder / _STATE, state)
        if not state.get('trained'):
            print_log('=== reference network of StillMix', logger='current')
            train(self.cfg, work_dir=str(folder), resume='auto')
            write_json(folder / _STATE, dict(state, trained=True))
        path = self.path(folder)
        if not path.is_file():
            options = FrameBankOptions(**self.bank)
            _, lines = build_frame_bank(self.cfg, last_checkpoint(folder), path, options)
            print_log('\n'.join(lines), logger='current')
        return path
