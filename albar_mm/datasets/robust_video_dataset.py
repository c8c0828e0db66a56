"""Training on videos of which a few cannot be read."""

import os
from typing import Any

import numpy as np
from mmaction.datasets import VideoDataset
from mmaction.registry import DATASETS

from ..utils.errors import BadFileError, BadVideoError, DatasetError
from ..utils.files import read_lines
from ..utils.numbers import class_index, number
from ..video.strict_reading import read_strictly


@DATASETS.register_module()
class RobustVideoDataset(VideoDataset):
    """``VideoDataset`` that replaces unreadable videos in training, and says so.

    In training, an unreadable video (see :func:`read_strictly`) is replaced by another item of the
    set, label and all. The item's metainfo names the file it stands in for, ``replaced: str``, and
    why, ``replaced_reason: str``; :class:`BadVideoHook` counts and lists them. The replacement is
    drawn from the index, the attempt and the loader's random numbers, so it changes from epoch to
    epoch and is the same in a resumed run. With ``test_mode=True`` an unreadable video stops the
    run.

    Args:
        *args: As for ``VideoDataset``.
        max_attempts: Number of replacements that are tried for one item.
        give_up: A process whose first so many videos are all unreadable stops: then the folder or
            the decoder is wrong, not the videos.
        **kwargs: As for ``VideoDataset``. With ``num_classes`` the labels are checked.

    Raises:
        DatasetError: The annotation file is empty or a line cannot be understood.
        BadVideoError: A video cannot be read and is not, or cannot be, replaced.

    Example:
        >>> dataset = dict(type='RobustVideoDataset', ann_file='train.txt',
        ...                data_prefix=dict(video='videos'), pipeline=train_pipeline)
        >>> custom_hooks = [dict(type='BadVideoHook', max_share=0.01)]
    """

    def __init__(
        self,
        *args: Any,
        max_attempts: int = 10,
        give_up: int = 8,
        **kwargs: Any,
    ) -> None:
        for name, value in (('max_attempts', max_attempts), ('give_up', give_up)):
            number(value, f'RobustVideoDataset.{name}', 1, whole=True, error=ValueError)
        self.max_attempts, self.give_up = max_attempts, give_up
        self._any_read = False
        self._failed = 0
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the annotation file.

        Returns:
            ``filename`` and ``label`` of every video.

        Raises:
            DatasetError: Names the file and, where there is one, the line.
        """
        if self.multi_class and self.num_classes is None:
            raise DatasetError('RobustVideoDataset: multi_class needs num_classes')
        lines = read_lines(self.ann_file)
        if not any(line.strip() for line in lines):
            raise BadFileError(f"{self.ann_file}: is empty: expected one 'path label' per line")
        return [
            self._entry(line.strip(), f'{self.ann_file}:{number}')
            for number, line in enumerate(lines, 1)
        ]

    def _entry(self, line: str, where: str) -> dict[str, Any]:
        name, *given = line.split(self.delimiter)
        unlabelled = self.test_mode and not given
        if not name or not (unlabelled or len(given) == 1 or (given and self.multi_class)):
            raise BadFileError(
                f'{where}: expected path{self.delimiter!r}label, got {line!r}; paths with spaces '
                'need another delimiter'
            )
        if '://' in name:
            raise BadFileError(
                f'{where}: {name} is an address, and a list names files alone: name where they '
                'are in data_prefix'
            )
        labels = [class_index(label, where, self.num_classes) for label in given]
        prefix = self.data_prefix['video']
        return dict(
            filename=name if prefix is None else os.path.join(prefix, name),
            label=labels if self.multi_class else (labels or [-1])[0],
        )

    def prepare_data(self, idx: int) -> Any:
        """Read one video through the pipeline.

        Args:
            idx: Position in the annotation file.

        Raises:
            BadVideoError: It cannot be read.
        """
        return read_strictly(self.pipeline.transforms, self.get_data_info(idx))

    def __getitem__(self, idx: int) -> dict[str, Any]:
        if not self._fully_initialized:
            self.full_init()
        if self.test_mode:
            return self.prepare_data(idx)
        try:
            return self._count(idx)
        except BadVideoError as bad:
            item = self._replacement(idx, bad)
            item['data_samples'].set_metainfo(dict(replaced=bad.video, replaced_reason=bad.reason))
            return item

    def _count(self, idx: int) -> dict[str, Any]:
        try:
            item = self.prepare_data(idx)
        except BadVideoError as error:
            self._failed += 1
            if not self._any_read and self._failed >= self.give_up:
                raise DatasetError(
                    f'none of the first {self._failed} videos can be read, the last being '
                    f'{error.video} ({error.reason}): check data_prefix, and whether the decoder '
                    'of the pipeline reads this format'
                ) from error
            raise
        self._any_read = True
        return item

    def _replacement(self, idx: int, bad: BadVideoError) -> dict[str, Any]:
        draw = np.random.randint(2**31)  # of the epoch's stream, see ReseedHook
        for attempt in range(self.max_attempts):
            other = int(np.random.default_rng([idx, attempt, draw]).integers(len(self)))
            try:
                return self._count(other)
            except BadVideoError as error:
                last = error
        raise DatasetError(
            f'{bad} (and {self.max_attempts} videos that were drawn to replace it cannot be read '
            f'either, the last being {last.video}: {last.reason})'
        ) from last
