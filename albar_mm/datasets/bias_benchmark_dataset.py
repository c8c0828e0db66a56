"""IID test videos and every OOD set of a bias benchmark as one dataset."""

import logging
import os
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmaction.datasets import BaseActionDataset
from mmaction.datasets.transforms import CenterCrop, RandomCrop, Resize, TenCrop, ThreeCrop
from mmaction.registry import DATASETS
from mmengine.dataset import Compose
from mmengine.logging import print_log

from ..annotations.manifest import MANIFEST_NAME, find_set_folder, read_manifest
from ..evaluation.functional import DOMAINS, OWN_BACKGROUND, check_partners, is_iid_name
from ..utils.errors import BadFileError, BadVideoError, DatasetError, MissingFileError
from ..utils.numbers import class_index
from ..utils.text import name_some
from ..utils.video_ids import annotated_video_ids
from ..video.shown import shown
from ..video.strict_reading import read_strictly
from .robust_video_dataset import RobustVideoDataset

SET_NAMES = dict(scuba='SCUBA', scufo='SCUFO', conflfg='ConflFG')
_PARTNER = dict(scuba='scufo', scufo='scuba')


@DATASETS.register_module()
class BiasBenchmarkDataset(BaseActionDataset):
    """IID, SCUBA, SCUFO and Confl-FG videos, to be tested in one run.

    Sets lie in ``<bias_root>/<DATASET>_<SET>_<BACKGROUND>/`` with a ``manifest.jsonl`` and one
    video file per item (see :mod:`albar_mm.annotations.manifest`). Only the sets asked for are
    read. Samples come set by set: IID, further IID sets, then SCUBA, SCUFO and Confl-FG, each
    background in the given order.

    After the pipeline every data sample gets the metainfo ``domain`` (``'iid'``, ``'scuba'``,
    ``'scufo'``, ``'conflfg'``), ``background`` (lower case; for IID ``'original'``, for a further
    IID set its name), ``pair_id`` (``<video>__<k>``; for IID the path in the annotation file) and,
    for Confl-FG, ``conflict_label``. The dataset's own ``metainfo['sets']`` gives the number of
    videos per ``<domain>/<background>``, ``metainfo['missing_sets']`` those that were left out.

    Args:
        pipeline: transforms for every set that ``pipelines`` does not name.
        iid: settings of a ``RobustVideoDataset`` (``ann_file``, ``data_prefix``, …) with the IID
            test videos, or None.
        extra_iid: name -> the same for further videos with the classes of IID, e.g. ``'aras'``;
            their accuracy is reported as ``aras/top1``. They need ``iid`` and share its pipeline.
        bias_root: folder of the OOD sets; needed if one is asked for.
        dataset: first part of the folder names, e.g. ``'HMDB51'``.
        scuba: backgrounds of the SCUBA sets.
        scufo: backgrounds of the SCUFO sets. Where a background is in both, the two sets must hold
            the same ids with the same labels.
        conflfg: backgrounds of the Confl-FG sets.
        pipelines: domain -> transforms, overriding ``pipeline``. Domains whose views differ in
            shape must not share a batch: use :class:`DomainBatchSampler`.
        num_classes: number of classes, to check the labels.
        missing: what to do about sets without a folder: ``'fail'``; ``'skip'`` leaves them out,
            with one warning that names them, as long as one OOD set is there. Averages are then
            over the backgrounds at hand. A set whose folder is there but broken fails either way.
        check_files: check on loading that every video file exists.
        test_mode: True; a benchmark is only ever tested on.
        **kwargs: further arguments of ``BaseActionDataset``.

    Raises:
        FileNotFoundError: if a folder, a manifest or a video file is missing.
        ValueError: for an empty selection, an invalid manifest row, or sets that do not match.

    Example config::

        test_dataloader = dict(
            batch_size=8, num_workers=2,
            sampler=dict(type='DefaultSampler', shuffle=False),
            batch_sampler=dict(type='DomainBatchSampler'),
            dataset=dict(
                type='BiasBenchmarkDataset',
                iid=dict(ann_file='data/hmdb51/test.txt', data_prefix=dict(video='data/hmdb51')),
                bias_root='data/hmdb51_bias', dataset='HMDB51', pipeline=test_pipeline))
        test_evaluator = dict(type='BiasMetric')
    """

    #: whether the manifests name video files that must exist
    exported = True
    METAINFO = dict(dataset_type='bias_benchmark', task_name='action_recognition')

    def __init__(
        self,
        pipeline: Sequence[Any],
        iid: Mapping[str, Any] | None = None,
        extra_iid: Mapping[str, Mapping[str, Any]] | None = None,
        bias_root: str | os.PathLike | None = None,
        dataset: str = 'HMDB51',
        scuba: Sequence[str] = ('places365', 'vqgan', 'stripe'),
        scufo: Sequence[str] = ('places365', 'vqgan', 'stripe'),
        conflfg: Sequence[str] = ('stripe',),
        pipelines: Mapping[str, Sequence[Any]] | None = None,
        num_classes: int | None = None,
        missing: str = 'fail',
        check_files: bool = True,
        test_mode: bool = True,
        **kwargs: Any,
    ) -> None:
        self.iid = dict(iid) if iid is not None else None
        self.extra_iid = {name: dict(settings) for name, settings in (extra_iid or {}).items()}
        self.bias_root, self.dataset_name = bias_root, dataset
        asked = dict(scuba=scuba, scufo=scufo, conflfg=conflfg)
        self.backgrounds = {name: _background_names(name, given) for name, given in asked.items()}
        sets = ', '.join(domain for domain, names in self.backgrounds.items() if names)
        refused = sorted(key for key in ('indices', 'filter_cfg', 'multi_class') if kwargs.get(key))
        misnamed = [name for name in self.extra_iid if not is_iid_name(name)]
        unknown = sorted(set(pipelines or {}) - set(DOMAINS))
        for wrong, message in (
            (not test_mode, 'it is for testing only, test_mode must stay True'),
            (
                refused,
                f'it does not take {", ".join(refused)}: sets must stay complete, because SCUBA '
                'and SCUFO are joined by id',
            ),
            (
                misnamed,
                f'extra_iid: {", ".join(map(repr, misnamed))} is no name for a further IID set; '
                'lower-case letters, digits and hyphens, and no name of another score',
            ),
            (
                self.extra_iid and iid is None,
                'extra_iid names sets beside iid; without iid, give the set as iid',
            ),
            (iid is None and not sets, 'ask for at least one set: iid, scuba, scufo or conflfg'),
            (sets and bias_root is None, f'bias_root is needed to read {sets}'),
            (missing not in ('fail', 'skip'), f"missing is 'fail' or 'skip', not {missing!r}"),
            (unknown, f'pipelines: unknown domains {unknown}, expected some of {DOMAINS}'),
        ):
            if wrong:
                raise ValueError(f'{type(self).__name__}: {message}')
        self.missing, self.check_files = missing, check_files
        #: path of every annotation file and manifest by its name relative to the data
        self.source_files: dict[str, str] = {}
        self._own_pipelines = {name: Compose(steps) for name, steps in (pipelines or {}).items()}
        self._domains: list[str] = []
        self._groups: dict[int, Hashable] = {}
        super().__init__(
            ann_file='', pipeline=pipeline, num_classes=num_classes, test_mode=True, **kwargs
        )

    @property
    def pipelines(self) -> dict[str, Compose]:
        """The pipeline of every domain that is loaded."""
        domains = sorted(set(self._domains), key=DOMAINS.index)
        return {domain: self._own_pipelines.get(domain, self.pipeline) for domain in domains}

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the annotation file and the manifests."""
        self._metainfo['missing_sets'] = self._leave_out() if self.missing == 'skip' else []
        iid_sets = {OWN_BACKGROUND: self.iid} if self.iid is not None else {}
        entries = []
        for name, settings in {**iid_sets, **self.extra_iid}.items():
            entries += self._load_iid(name, settings)
        labels: dict[tuple[str, str], dict[str, int]] = {}
        for domain, backgrounds in self.backgrounds.items():
            for background in backgrounds:
                items = self.load_set(domain, background)
                labels[domain, background] = {item['pair_id']: item['label'] for item in items}
                entries += [dict(item, domain=domain, background=background) for item in items]
        for background in self.backgrounds['scuba']:
            if ('scufo', background) in labels:
                scuba, scufo = labels['scuba', background], labels['scufo', background]
                check_partners(f'scuba/{background}', scuba, f'scufo/{background}', scufo)
        self._domains = [entry['domain'] for entry in entries]
        sizes = Counter(f'{entry["domain"]}/{entry["background"]}' for entry in entries)
        self._metainfo['sets'] = dict(sizes)
        return entries

    def load_set(self, domain: str, background: str) -> list[dict[str, Any]]:
        """Read one OOD set.

        Args:
            domain: ``'scuba'``, ``'scufo'`` or ``'conflfg'``.
            background: Its name, lower case.

        Returns:
            ``filename``, ``label``, ``pair_id`` and, for Confl-FG, ``conflict_label`` of each item,
            and what else its pipeline needs.
        """
        folder = self.set_folder(domain, background)
        path = folder / MANIFEST_NAME
        self.source_files[f'{folder.name}/{MANIFEST_NAME}'] = str(path)
        items = read_manifest(folder, self.num_classes, self.check_files and self.exported)
        unknown = [item.item_id for item in items if item.conflict_label is None]
        if domain == 'conflfg' and 0 < len(unknown) < len(items):
            raise BadFileError(
                f'{path}: {len(unknown)} of {len(items)} items lack a conflict_label: '
                f'{name_some(unknown)}'
            )
        return [
            dict(
                filename=item.filename,
                label=item.label,
                pair_id=item.item_id,
                conflict_label=item.conflict_label if domain == 'conflfg' else None,
            )
            for item in items
        ]

    def has_set(self, domain: str, background: str) -> bool:
        """Whether an OOD set is on disk, sound or not.

        Raises:
            BadFileError: Two folders differ by case only.
        """
        try:
            return bool(self.set_folder(domain, background))
        except MissingFileError:
            return False

    def _leave_out(self) -> list[str]:
        """Take the sets that are not on disk out of ``backgrounds``; say which, return them."""
        asked = {f'{d}/{b}': (d, b) for d, names in self.backgrounds.items() for b in names}
        absent = [name for name, key in asked.items() if not self.has_set(*key)]
        if len(absent) in (0, len(asked)):  # without any, reading the first says what is wrong
            return []
        where = self.bias_root or self.dataset_name
        there = [(domain, b) for name, (domain, b) in asked.items() if name not in absent]
        self.backgrounds = {d: tuple(b for e, b in there if e == d) for d in self.backgrounds}
        alone = [f'{d}/{b}' for d, b in there if f'{_PARTNER.get(d)}/{b}' in absent]
        unpaired = f'; without partner, so without contrasted accuracy: {", ".join(alone)}'
        print_log(
            f'{where} lacks {len(absent)} of the {len(asked)} sets that are asked for: '
            f'{", ".join(absent)}: they are not tested, and averages are over the others, '
            f'{", ".join(f"{d}/{b}" for d, b in there)}{unpaired if alone else ""}',
            'current',
            logging.WARNING,
        )
        return absent

    def set_folder(self, domain: str, background: str) -> Path:
        """Folder of an OOD set, in upper or lower case."""
        return find_set_folder(self.bias_root, self.dataset_name, SET_NAMES[domain], background)

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline of the sample's domain and add its metainfo.

        Raises:
            BadVideoError: if the video cannot be read (see :func:`read_strictly`).
            DatasetError: if something else that the sample is made from cannot be used.
            RuntimeError: if the pipeline fails for another reason. Both name the set, the id and
                the file.
        """
        info = self.get_data_info(idx)
        fields = {
            key: info[key]
            for key in ('domain', 'background', 'pair_id', 'conflict_label')
            if info.get(key) is not None
        }
        pipeline = self._own_pipelines.get(info['domain'], self.pipeline)
        sample = f'{fields["domain"]}/{fields["background"]} {fields["pair_id"]}'
        try:
            packed = read_strictly(pipeline.transforms, info)
        except DatasetError as error:
            error.args = (f'{sample}: {error}',)
            raise
        except Exception as error:
            raise RuntimeError(
                f'{sample}: the pipeline fails on {info["filename"]}: '
                f'{type(error).__name__}: {error}'
            ) from error
        packed['data_samples'].set_metainfo(fields)
        return packed

    def batch_group(self, idx: int) -> Hashable:
        """What :class:`DomainBatchSampler` must keep apart.

        The domain of a sample; with a pipeline whose views keep the video's aspect ratio (no crop,
        no ``Resize`` to a fixed size), the domain and the video's height and width.
        """
        if not self._fully_initialized:
            self.full_init()
        domain = self._domains[idx]
        pipeline = self._own_pipelines.get(domain, self.pipeline)
        if any(map(_fixes_size, pipeline.transforms)):
            return domain
        if idx not in self._groups:
            self._groups[idx] = (domain, *self._frame_size(self.get_data_info(idx)))
        return self._groups[idx]

    def _frame_size(self, info: Mapping[str, Any]) -> tuple[int, int]:
        try:
            return shown(info['filename']).size
        except BadVideoError:  # it is named when it is read
            return 0, 0

    def _load_iid(self, name: str, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        given = {'type': RobustVideoDataset, **settings, 'pipeline': [], 'test_mode': True}
        videos = DATASETS.build(given)
        shown = 'iid' if name == OWN_BACKGROUND else name
        self.source_files[f'{shown}/{os.path.basename(videos.ann_file)}'] = videos.ann_file
        entries = []
        for index, video in enumerate(annotated_video_ids(videos)):
            info = videos.get_data_info(index)
            where = f'{videos.ann_file}: {video}'
            label = class_index(info['label'], where, self.num_classes, BadFileError)
            entry = dict(filename=info['filename'], label=label, pair_id=video)
            entries.append(entry | dict(domain='iid', background=name))
        missing = [e['pair_id'] for e in entries if not os.path.isfile(e['filename'])]
        if self.check_files and missing:
            raise MissingFileError(
                f'{videos.ann_file}: {len(missing)} of {len(entries)} videos do not exist under '
                f'data_prefix {videos.data_prefix}: {name_some(missing)}'
            )
        return entries


def _background_names(domain: str, names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ValueError(f'{domain} must be a list of backgrounds, got the string {names!r}')
    lower = tuple(name.lower() for name in names or ())
    for name in lower:
        if name == 'avg' or not name.replace('-', '').isalnum():
            raise ValueError(
                f'{domain}: {name!r} is no background name; letters, digits and hyphens only, '
                "and not 'avg', which names the average"
            )
    if len(set(lower)) != len(lower):
        raise ValueError(f'{domain} names a background twice: {list(names)}')
    return lower


def _fixes_size(step: Any) -> bool:
    """Whether videos of all sizes leave a step with one height and width."""
    crops = CenterCrop, RandomCrop, TenCrop, ThreeCrop
    return isinstance(step, crops) or (isinstance(step, Resize) and not step.keep_ratio)
