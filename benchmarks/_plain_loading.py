"""Program of one fresh process: print the seconds that plain loading takes, clip by clip."""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main(list_file: str, videos: str, keep: str) -> int:
    """Measure.

    Args:
        list_file: Annotation list.
        videos: Folder of its videos.
        keep: ``'keep'`` to keep freed memory, as training and testing do.
    """
    from _compositing import PIPELINE
    from mmengine.registry import init_default_scope

    from albar_mm.datasets import RobustVideoDataset
    from albar_mm.engine.launch.process import keep_freed_memory

    init_default_scope('mmaction')
    if keep == 'keep' and not keep_freed_memory():
        raise SystemExit('this C library cannot be told to keep freed memory')
    clips = RobustVideoDataset(
        ann_file=list_file, data_prefix=dict(video=videos), pipeline=PIPELINE, test_mode=True
    )
    seconds = []
    for _ in range(2):  # what is slow once is in the first pass
        seconds.clear()
        for index in range(len(clips)):
            start = time.perf_counter()
            clips[index]
            seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds))
    return 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
