"""A validation part held out of the training clips, class by class, in whole groups."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..annotations.video_lists import Clip
from ..utils.errors import DatasetError


@dataclass(frozen=True)
class HoldOut:
    """Training clips in two parts.

    Attributes:
        train: What stays, in the given order.
        val: What is held out, in the given order.
        divided: Names ``class/group`` of groups with clips on both sides.
        not_held_out: Classes too small to hold out anything.
    """

    train: tuple[Clip, ...]
    val: tuple[Clip, ...]
    divided: tuple[str, ...]
    not_held_out: tuple[str, ...]


def hold_out(
    clips: Sequence[Clip], share: float = 0.1, seed: int = 0, *, divide_groups: bool = False
) -> HoldOut:
    """Hold out about ``share`` of every class, in whole groups.

    Clips of one group look alike (same scene, same source video): with one of them in train,
    accuracy on the other says little. Groups are taken in an order that depends on ``seed`` and
    their name alone, so the parts are the same on every machine, and other classes change nothing.

    Args:
        clips: Official training clips.
        share: Within [0, 0.5]; with 0 all clips stay in train.
        seed: Of the order.
        divide_groups: Where every group of a class is twice the wanted size or more, hold out
            single clips instead of a whole group. Otherwise the smallest group is taken.

    Returns:
        Both parts, disjoint; at least one clip of every class stays in train.

    Raises:
        DatasetError: ``share`` is out of range.
    """
    if not 0 <= share <= 0.5:
        raise DatasetError(f'--val-share {share:g}: expected 0 (no validation) to 0.5')
    if not share:
        return HoldOut(tuple(clips), (), (), ())
    classes: dict[str, dict[str, list[Clip]]] = {}
    for clip in clips:
        classes.setdefault(clip.class_name, {}).setdefault(clip.group, []).append(clip)

    held: set[Clip] = set()
    divided, not_held_out = [], []
    for name, groups in classes.items():
        order = _ordered(groups, f'{seed}/{name}')
        total = sum(len(members) for members in groups.values())
        target = max(1, round(share * total))
        taken = _whole_groups([groups[key] for key in order], target, total)
        if not taken and len(groups) > 1 and not divide_groups:
            taken = min((groups[key] for key in order), key=len)
        if not taken and total > 1 and divide_groups:
            by_path = {clip.path: clip for members in groups.values() for clip in members}
            taken = [by_path[path] for path in _ordered(by_path, f'{seed}/{name}')[:target]]
            divided += sorted(
                {
                    f'{name}/{clip.group}'
                    for clip in taken
                    if not set(groups[clip.group]) <= set(taken)
                }
            )
        if not taken:
            not_held_out.append(name)
        held.update(taken)
    return HoldOut(
        tuple(clip for clip in clips if clip not in held),
        tuple(clip for clip in clips if clip in held),
        tuple(divided),
        tuple(not_held_out),
    )


def _whole_groups(groups: Sequence[list[Clip]], target: int, total: int) -> list[Clip]:
    """The groups, early ones first, whose sizes add up to the number nearest to the target."""
    reached: dict[int, tuple[int, ...]] = {0: ()}
    for index, members in enumerate(groups):
        if target in reached:
            break
        for size, chosen in list(reached.items()):
            size += len(members)
            if size < min(total, 2 * target):  # beyond, holding out nothing is nearer
                reached.setdefault(size, (*chosen, index))
    nearest = min(reached, key=lambda size: (abs(size - target), size))
    return [clip for index in reached[nearest] for clip in groups[index]]


def _ordered(names: Iterable[str], salt: str) -> list[str]:
    """Names in an order that is random in ``salt`` and the same on every machine and version."""
    return sorted(names, key=lambda name: hashlib.sha256(f'{salt}/{name}'.encode()).digest())
