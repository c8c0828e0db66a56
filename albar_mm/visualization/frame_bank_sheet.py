"""A picture of a frame bank: its most and its least telling frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations.frame_bank import FrameBank
from ..utils.files import save_figure

COLUMNS = 8


def frame_bank_sheet(path: str | Path, bank: FrameBank, count: int = 32) -> Path:
    """Draw the frames of highest and of lowest probability, each with it and with its source.

    Args:
        path: PNG file to write, whole or not at all; its folder is made if absent.
        bank: The bank.
        count: Frames of either kind; a bank of fewer than twice as many is shared between them.

    Returns:
        ``path``.

    Raises:
        DatasetError: It cannot be written.
    """
    from matplotlib.figure import Figure

    highest, lowest = extremes(bank.probability, count)
    measure = 'p(label)' if bank.info.get('measure') == 'gt' else 'p(top-1)'
    parts = [(f'highest {measure}', highest), (f'lowest {measure}', lowest)]
    parts = [part for part in parts if part[1].size]
    rows = [-(-len(shown) // COLUMNS) for _, shown in parts]
    heights = [1.68 * number + 0.35 for number in rows]
    figure = Figure(figsize=(1.4 * COLUMNS, sum(heights) + 0.4), layout='constrained')
    figure.suptitle(f'Frame bank: {len(bank)} frames, {bank.num_classes} classes', fontsize=13)
    panels = np.atleast_1d(figure.subfigures(len(parts), 1, height_ratios=heights))
    for panel, number, (title, shown) in zip(panels, rows, parts, strict=True):
        panel.suptitle(f'{len(shown)} of {title}', fontsize=11, x=0.01, ha='left')
        _draw(panel.subplots(number, COLUMNS, squeeze=False).ravel(), bank, shown)
    return save_figure(figure, path, format='png', dpi=110)


def extremes(probability: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the highest values, from the top, and of the lowest, from the bottom.

    Args:
        probability: float (M,).
        count: Of either kind, at most; none is in both.

    Returns:
        int64 (h,) and (l,), h >= l.
    """
    order = np.argsort(probability, kind='stable')
    high = min(count, -(-len(order) // 2))
    return order[::-1][:high], order[: min(count, len(order) - high)]


def _draw(axes: Sequence[Any], bank: FrameBank, shown: np.ndarray) -> None:
    for axis in axes:
        axis.set_axis_off()
    for axis, index in zip(axes, shown, strict=False):
        axis.imshow(bank.frames[index], interpolation='lanczos')
        title = f'{bank.probability[index]:.3f}\n{_short(str(bank.source[index]))}'
        axis.set_title(title, fontsize=6.5, pad=2)


def _short(source: str, length: int = 26) -> str:
    """Folder (the class, in most lists), and tail of the name with the frame, on two lines."""
    video, _, frame = source.rpartition('#')
    folder, _, name = video.rpartition('/')
    lines = folder.rpartition('/')[2], f'{name.rpartition(".")[0] or name} #{frame}'
    cut = [line if len(line) <= length else '…' + line[1 - length :] for line in lines]
    return '\n'.join(cut).replace('$', r'\$')  # a dollar would start a formula
