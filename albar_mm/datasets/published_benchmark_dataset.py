"""Testing on the sets as StillMix and ALBAR published them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmaction.registry import DATASETS

from ..utils.errors import DatasetError
from .bias_benchmark_dataset import SET_NAMES, BiasBenchmarkDataset
from .published_sets import (
    one_frame_of,
    read_albar_set,
    read_classes,
    read_labels,
    read_stillmix_set,
    ucf101_class,
)


class PublishedBenchmarkDataset(BiasBenchmarkDataset):
    """What the two published forms share: items that are folders, zips or images, not videos.

    Their pipeline starts with a frame sampler and :class:`PublishedFrameDecode`; IID videos need
    one of their own in ``pipelines``.
    """

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """What is known of one item; ``start_index`` is the index of its first frame."""
        info = super().get_data_info(idx)
        info['start_index'] = info.pop('first_index', info['start_index'])
        return info


@DATASETS.register_module()
class StillMixBenchmarkDataset(PublishedBenchmarkDataset):
    """Sets in StillMix's form: folders ``<video>__<k>`` of frames, and list files.

    StillMix published no SCUFO: it is one frame of each SCUBA video, chosen by ``scufo_seed``.

    Args:
        pipeline: Transforms for the OOD sets; see :class:`PublishedFrameDecode`.
        scuba: Background -> ``dict(frames=folder, list=file)``, see
            :func:`albar_mm.datasets.published_sets.read_stillmix_set`.
        scufo: Backgrounds of the SCUFO sets, some of ``scuba``'s; None for all of them.
        conflfg: As ``scuba``; ``static_list`` may name the list with the classes of the still
            actors, with the same ids.
        scufo_seed: Seed of the SCUFO frames.
        **kwargs: Further arguments of :class:`BiasBenchmarkDataset` (``iid``, ``pipelines``, …).

    Raises:
        DatasetError: A list or frames cannot be used.

    Example config::

        dict(type='StillMixBenchmarkDataset', pipeline=frame_pipeline,
             iid=dict(ann_file='data/hmdb51/test.txt', data_prefix=dict(video='data/hmdb51/videos')),
             pipelines=dict(iid=video_pipeline), dataset='HMDB51', num_classes=51,
             scuba=dict(stripe=dict(frames='data/scuba_stripe', list='data/scuba_stripe.txt')))
    """  # noqa: E501

    def __init__(
        self,
        pipeline: Sequence[Any],
        scuba: Mapping[str, Mapping[str, str]],
        scufo: Sequence[str] | None = None,
        conflfg: Mapping[str, Mapping[str, str]] | None = None,
        scufo_seed: int = 0,
        **kwargs: Any,
    ) -> None:
        self.set_files: dict[tuple[str, str], dict[str, str]] = {}
        needed = {'frames', 'list'}
        for domain, sets, further in (
            ('scuba', scuba, set()),
            ('conflfg', conflfg, {'static_list'}),
        ):
            for name, files in (sets or {}).items():
                if not needed <= files.keys() <= needed | further:
                    raise DatasetError(
                        f'{domain}.{name} must be dict(frames=folder, list=file), got {files}'
                    )
                self.set_files[domain, name.lower()] = dict(files)
        self.scufo_seed = scufo_seed
        scufo = list(scuba if scufo is None else scufo)
        alone = [name for name in scufo if ('scuba', name.lower()) not in self.set_files]
        if alone:
            raise DatasetError(f'scufo: {alone} are not among the scuba sets that frames come from')
        sets = dict(scuba=list(scuba), scufo=scufo, conflfg=list(conflfg or {}))
        super().__init__(pipeline, bias_root='', **sets, **kwargs)

    def has_set(self, domain: str, background: str) -> bool:
        """Whether the list of a set, or its folder of frames, is on disk."""
        files = self._files_of(domain, background)
        return any(os.path.exists(files[name]) for name in ('frames', 'list'))

    def _files_of(self, domain: str, background: str) -> dict[str, str]:
        return self.set_files['scuba' if domain == 'scufo' else domain, background]

    def load_set(self, domain: str, background: str) -> list[dict[str, Any]]:
        """Read the list and look at the folders."""
        files = self._files_of(domain, background)
        items = self._read_list(domain, background, files['frames'], files['list'])
        if domain == 'scufo':
            return [one_frame_of(item, self.scufo_seed, background) for item in items]
        if 'static_list' in files:
            still = self._read_list(
                domain, f'{background}_static', files['frames'], files['static_list']
            )
            _add_conflicts(f'{domain}/{background}', items, still)
        return items

    def _read_list(self, domain: str, name: str, frames: str, path: str) -> list[dict[str, Any]]:
        folder = f'{self.dataset_name}_{SET_NAMES[domain]}_{name}'
        self.source_files[f'{folder}/{Path(path).name}'] = path
        return read_stillmix_set(frames, path, self.num_classes)


@DATASETS.register_module()
class ALBARBenchmarkDataset(PublishedBenchmarkDataset):
    """Sets in ALBAR's form: ``<bias_root>/<DATASET>_<SET>_<BACKGROUND>/`` of zips and images.

    SCUBA and Confl-FG hold ``<video>__<k>.zip`` (JPEGs in sorted order), SCUFO ``<video>__<k>.jpg``
    of the same ids. Zips are decoded in memory.

    Args:
        pipeline: Transforms for the OOD sets; see :class:`PublishedFrameDecode`.
        labels: List that gives the label of a source video, see
            :func:`albar_mm.datasets.published_sets.read_labels`: for HMDB51 and Kinetics-400.
        classes: In its place for UCF101: file with one class per line, in the order of the labels
            (``ApplyEyeMakeup`` or ``1 ApplyEyeMakeup``); the class is read from the file name.
        **kwargs: Arguments of :class:`BiasBenchmarkDataset`.

    Raises:
        DatasetError: A file cannot be used, or a label is not known.

    Example config::

        dict(type='ALBARBenchmarkDataset', pipeline=frame_pipeline, pipelines=dict(iid=video_pipeline),
             iid=dict(ann_file='data/hmdb51/test.txt', data_prefix=dict(video='data/hmdb51/videos')),
             bias_root='data/albar', dataset='HMDB51', labels='data/hmdb51/test.txt', num_classes=51)
    """  # noqa: E501

    def __init__(
        self,
        pipeline: Sequence[Any],
        labels: str | os.PathLike | None = None,
        classes: str | os.PathLike | None = None,
        **kwargs: Any,
    ) -> None:
        if (labels is None) == (classes is None):
            raise DatasetError(
                'ALBARBenchmarkDataset takes either labels=<list of videos> or, for UCF101, '
                'classes=<list of classes>'
            )
        self.label_list, self.class_list = labels, classes
        super().__init__(pipeline, **kwargs)

    def load_set(self, domain: str, background: str) -> list[dict[str, Any]]:
        """Look at the folder; check every zip."""
        folder = self.set_folder(domain, background)
        by_class = self.label_list is None
        source = self.class_list if by_class else self.label_list
        self.source_files[f'{folder.name}/{Path(source).name}'] = str(source)
        labels = read_classes(source) if by_class else read_labels(source, self.num_classes)

        def label_of(video: str) -> int:
            name = ucf101_class(video) if by_class else video
            if name not in labels:
                raise DatasetError(
                    f'{source}: no label for {name}; name the list that the set is of'
                )
            return labels[name]

        return read_albar_set(folder, domain == 'scufo', label_of)


def _add_conflicts(
    name: str, items: Sequence[dict[str, Any]], still: Sequence[Mapping[str, Any]]
) -> None:
    """Set ``conflict_label``, the class of the still actor of the same id."""
    labels = {item['pair_id']: item['label'] for item in still}
    lacking = sum(item['pair_id'] not in labels for item in items)
    if lacking or len(labels) != len(items):
        raise DatasetError(
            f'{name}: the list of still actors names {len(labels)} ids, the set {len(items)}; '
            f'{lacking} lack a still actor'
        )
    for item in items:
        item['conflict_label'] = labels[item['pair_id']]
        if item['conflict_label'] == item['label']:
            raise DatasetError(
                f'{name}: {item["pair_id"]} has one label, {item["label"]}, for the moving and the '
                'still actor'
            )
