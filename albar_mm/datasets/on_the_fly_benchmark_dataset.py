"""A bias benchmark that is composited while it is read, without exported videos."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmaction.registry import DATASETS
from mmengine.dataset import Compose

from ..annotations.manifest import MANIFEST_NAME, read_rows
from ..compositing.kept import GENERATOR, kept_masks_path, still_path
from ..utils.errors import BadFileError, DatasetError
from ..utils.text import name_some
from ..video.strict_reading import DECODES, INITS
from .bias_benchmark_dataset import BiasBenchmarkDataset
from .transforms.compositing import (
    CACHE_MIB,
    CompositeFrames,
    PasteForeground,
    RepeatFrame,
    SourceDecode,
    SourceInit,
    SwapBackground,
)

_OF_DOMAIN = {t.domain: t for t in (SwapBackground, RepeatFrame, PasteForeground)}
_NEEDED = ('frames', 'height', 'width', 'fps')


@DATASETS.register_module()
class OnTheFlyBenchmarkDataset(BiasBenchmarkDataset):
    """:class:`BiasBenchmarkDataset` for sets without videos: ``--encoding none``, or any other.

    Clips, indices and pixels are those of the lossless export. The pipeline is written as for
    exported sets: its reading steps are replaced by :class:`SourceInit` and :class:`SourceDecode`,
    which is followed by :class:`SwapBackground` (SCUBA), :class:`RepeatFrame` (SCUFO) or
    :class:`PasteForeground` (Confl-FG). A pipeline that names these steps itself is left as it is.

    The OOD items come grouped by source video, which a process decodes once for all of them.

    Args:
        pipeline: As for :class:`BiasBenchmarkDataset`.
        videos: Folder of the source videos, that of the build.
        backgrounds: Background family -> folder of its images; stripes need none.
        cache_mib: Limit of decoded source frames that a process keeps, in MiB; 0 for none.
        **kwargs: Further arguments of :class:`BiasBenchmarkDataset`.

    Raises:
        DatasetError: Masks, stills, images or source videos are missing; names some.
        DatasetError: A manifest was not made by ``tools/build_bias_benchmark.py``.
        ValueError: As for :class:`BiasBenchmarkDataset`; a pipeline without a decoding step.

    Example config::

        dict(type='OnTheFlyBenchmarkDataset', videos='data/hmdb51/videos',
             backgrounds=dict(places365='data/places365/test_256', vqgan='data/vqgan'),
             iid=dict(ann_file='data/hmdb51/test.txt', data_prefix=dict(video='data/hmdb51/videos')),
             bias_root='data/hmdb51/bias', dataset='HMDB51', pipeline=test_pipeline)
    """  # noqa: E501

    exported = False

    def __init__(
        self,
        pipeline: Sequence[Any],
        videos: str | os.PathLike,
        backgrounds: Mapping[str, str | os.PathLike] | None = None,
        pipelines: Mapping[str, Sequence[Any]] | None = None,
        cache_mib: int = CACHE_MIB,
        bias_root: str | os.PathLike | None = None,
        **kwargs: Any,
    ) -> None:
        self.videos, self.cache_mib = Path(videos), cache_mib
        self.folders = {name.lower(): str(path) for name, path in (backgrounds or {}).items()}
        made = {
            domain: self._compositing((pipelines or {}).get(domain, pipeline), domain, bias_root)
            for domain in _OF_DOMAIN
        }
        super().__init__(
            pipeline, pipelines={**(pipelines or {}), **made}, bias_root=bias_root, **kwargs
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the annotation file and the manifests, and group the items by source video."""
        entries = super().load_data_list()
        # IID videos have no row and stay in front
        entries.sort(key=lambda entry: entry['row']['video_id'] if 'row' in entry else '')
        also: dict[str, set[int]] = {}
        composited = [entry for entry in entries if 'row' in entry]
        for row in (entry['row'] for entry in composited):
            frames = {row['first'] + row['scufo_frame']} if row['set'] == 'scufo' else set()
            also.setdefault(row['video_id'], set()).update(frames)
        for entry in composited:
            entry['also_frames'] = sorted(also[entry['row']['video_id']])
        self._domains = [entry['domain'] for entry in entries]
        return entries

    def load_set(self, domain: str, background: str) -> list[dict[str, Any]]:
        """Read one OOD set; an item has the ``row`` of its manifest and the source video."""
        folder, images = self.set_folder(domain, background), self.folders.get(background)
        if images is not None and not os.path.isdir(images):
            raise DatasetError(
                f'{images}: no such folder of background images; name that which '
                'the benchmark was built with in backgrounds'
            )
        items, rows = super().load_set(domain, background), read_rows(folder)
        for row in rows:
            self._check_row(folder / MANIFEST_NAME, row, domain, background)
        if self.check_files:
            self._check_there(folder, rows)
        return [
            dict(item, filename=str(self.videos / row['video']), row=row)
            for item, row in zip(items, rows, strict=True)
        ]

    def _check_row(self, path: Path, row: dict[str, Any], domain: str, background: str) -> None:
        of_set = dict(scufo=('scufo_frame',), conflfg=('conflict_shift', 'conflict_frame'))
        lacking = [key for key in (*_NEEDED, *of_set.get(domain, ())) if key not in row]
        found, wanted = f'{row["set"]}/{row["background"]}', f'{domain}/{background}'
        for wrong, message in (
            (lacking, f'has no {", ".join(lacking)}; build the set again'),
            (found != wanted, f'is an item of {found}, expected {wanted}'),
            (
                row['generator'] != GENERATOR,
                f'was made by {row["generator"]}, and this is {GENERATOR}, whose pixels differ; '
                'build it again',
            ),
            (
                'background_file' in row and background not in self.folders,
                f'no folder for the backgrounds {background!r}; add '
                f"backgrounds=dict({background}='<folder of images>')",
            ),
        ):
            if wrong:
                raise BadFileError(f'{path}: {row["id"]}: {message}')

    def _check_there(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        missing: dict[str, set[str]] = {}
        for row in rows:
            for what, path in self._files_of(row):
                if not path.is_file():
                    missing.setdefault(what, set()).add(str(path))
        for what, paths in missing.items():
            raise DatasetError(f'{folder}: {len(paths)} {what} do not exist: {name_some(paths)}')

    def _files_of(self, row: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
        root = Path(self.bias_root)
        yield 'source videos (folder: videos)', self.videos / row['video']
        yield 'mask files (build the benchmark again)', kept_masks_path(root, row['video_id'])
        if 'background_file' in row:
            folder = Path(self.folders[row['background']])
            yield 'background images (folder: backgrounds)', folder / row['background_file']
        if row['set'] == 'conflfg':
            yield (
                'stills (build the benchmark again)',
                still_path(root, row['conflict_video_id'], row['conflict_frame']),
            )

    def _frame_size(self, info: Mapping[str, Any]) -> tuple[int, int]:
        if 'row' in info:
            return info['row']['height'], info['row']['width']
        return super()._frame_size(info)

    def _compositing(
        self, pipeline: Sequence[Any], domain: str, bias_root: str | os.PathLike | None
    ) -> list[Any]:
        """Steps of a pipeline with those that read a video replaced."""
        steps = list(Compose(pipeline).transforms)
        if any(isinstance(step, CompositeFrames) for step in steps):
            return steps
        places = [n for n, step in enumerate(steps) if isinstance(step, DECODES)]
        if not steps or bias_root is None:
            return steps
        if len(places) != 1:
            raise ValueError(
                f'the pipeline of {domain} must hold one decoding step such as DecordDecode, after '
                f'which its frames are composited; it holds {len(places)}'
            )
        swap = _OF_DOMAIN[domain](bias_root, self.folders)
        steps[places[0] : places[0] + 1] = [SourceDecode(self.cache_mib), swap]
        return [SourceInit() if isinstance(step, INITS) else step for step in steps]
