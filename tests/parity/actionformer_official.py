"""What the official ActionFormer gives with the seeded weights and videos of TriDet's reference.

Run as a module with the folder of the official code (``libs/``) as its argument, from the root of
the repository (``python -m tests.parity.actionformer_official FOLDER``), it prints
``actionformer_official.json``. Its utilities, with a compiled suppression, are not needed and stood
in for.
"""

import json
import sys
from pathlib import Path

from tests.parity.tridet_official import (
    RANGES,
    WIDTH,
    as_list,
    find_official_code,
    official,
    outputs,
    weights,
)

FILE = Path(__file__).with_suffix('.json')
HEADS, HIDDEN, BRANCH = 4, 4 * WIDTH, len(RANGES) - 1
WINDOWS = {'local': 5, 'full': 1}
EACH = 7
"""Of the numbers of the levels each seventh one is kept."""


def main(folder: str) -> None:
    """Print the reference."""
    find_official_code(folder)
    found = {}
    for kind, window in WINDOWS.items():
        network = official('PtTransformer', n_head=HEADS, n_mha_win_size=window)
        levels = []
        network.neck.register_forward_hook(
            lambda _, args, out, levels=levels: levels.append(
                [as_list(each)[::EACH] for each in out[0]]
            )
        )
        shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
        found[kind] = outputs(network, weights(shapes))
        found[kind]['levels'] = levels[0]
    print(json.dumps(dict(shapes=shapes, **found)))


if __name__ == '__main__':
    main(sys.argv[1])
