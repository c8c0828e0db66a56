"""Seeded weights for the official MGFN, and its scores, selection and losses for them.

Run as a script with the folder of the official code (``models/``, ``utils/``, ``train.py``) as its
argument, it prints ``mgfn_official.json``. That code runs on a GPU only, and parses the command
line when it is imported; both are stood in for.
"""

import importlib
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch

FILE = Path(__file__).with_suffix('.json')
CHANNELS, CROPS, PAIRS, SNIPPETS = 2048, 10, 2, 8
OPTIONS = dict(depths1=3, depths2=3, depths3=2, batch_size=PAIRS, dropout_rate=0.0, mag_ratio=0.1)
OPTIONS |= dict(mgfn_type1='gb', mgfn_type2='fb', mgfn_type3='fb')


def weights(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """A state dict, buffers included."""
    state = {}
    for number, (name, shape) in enumerate(shapes.items()):
        # the legacy generator gives the same numbers with every version
        values = np.random.RandomState(number).standard_normal(shape)
        if name.endswith(('.g', 'norm.weight', 'to_logits.0.weight', 'running_var')):
            values = 1 + 0.3 * np.tanh(values)
        elif len(shape) > 1 and not name.endswith('.b'):
            values = values / np.sqrt(np.prod(shape[1:]))
        state[name] = torch.tensor(values, dtype=torch.float32) if shape else torch.tensor(0)
    return state


def features(videos: int) -> torch.Tensor:
    """Features of videos, each of 10 crops and 8 snippets; (videos, crops, T, C)."""
    shape = (videos, CROPS, SNIPPETS, CHANNELS)
    return torch.tensor(np.random.RandomState(5).standard_normal(shape), dtype=torch.float32)


def published(folder: str, options: dict | None = None) -> tuple[type, types.ModuleType]:
    """The official network and its module of losses, so that they run without a GPU."""
    # it parses the command line and asks for a GPU as soon as it is imported
    if not (Path(folder) / 'models' / 'mgfn.py').is_file():
        raise FileNotFoundError(f'{folder}: no clone of MGFN: it has no models/mgfn.py')
    sys.path.insert(0, str(folder))
    option = types.ModuleType('option')
    option.parse_args = lambda: types.SimpleNamespace(**{**OPTIONS, **(options or {})})
    tqdm = types.ModuleType('tqdm')
    tqdm.tqdm = iter
    sys.modules.update(option=option, tqdm=tqdm, visdom=types.ModuleType('visdom'))
    torch.Tensor.cuda = lambda self, *_: self
    torch.set_default_tensor_type = lambda _: None
    _take_sizes_from_features(Path(folder) / 'models' / 'mgfn.py')
    return importlib.import_module('models.mgfn').mgfn, importlib.import_module('train')


def _take_sizes_from_features(file: Path) -> None:
    """Import it so that it runs at any size: 10 crops, 2048 channels and heads of 64 are fixed."""
    text = file.read_text()
    for size, given in (
        ('batch_size * 10', 'batch_size * ncrops'),
        ('2048:,', '-1:,'),
        (':2048,', ':-1,'),
        ('Backbone(\n', 'Backbone(dim_headnumber = dim_head,\n'),
    ):
        if size not in text:
            raise FileNotFoundError(f'{file}: other code than was expected: no {size!r}')
        text = text.replace(size, given)
    module = types.ModuleType('models.mgfn')
    sys.modules['models.mgfn'] = module
    exec(compile(text, str(file), 'exec'), module.__dict__)


def main(folder: str) -> None:
    """Print the reference."""
    mgfn, train = published(folder)
    model = mgfn(channels=CHANNELS)
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    model.load_state_dict(weights(shapes))
    given = features(2 * PAIRS)
    given = torch.cat([given, given.norm(dim=3, keepdim=True)], 3)
    with torch.no_grad():
        tested = model.eval()(given[:1])[4]
        out = model.train()(given)
        terms = train.mgfn_loss(1.0)(
            out[1], out[0], torch.zeros(PAIRS), torch.ones(PAIRS), out[3], out[2]
        )
        flat = out[4][:PAIRS].view(-1)
        found = dict(
            shapes=shapes,
            parameters=sum(p.numel() for p in model.parameters()),
            tested=tested.flatten().tolist(),
            trained=out[4].squeeze(2).tolist(),
            normal=out[1].flatten().tolist(),
            anomalous=out[0].flatten().tolist(),
            criterion=float(terms),
            sparsity=float(train.sparsity(flat, PAIRS, 8e-3)),
            smoothness=float(train.smooth(out[4], 8e-4)),
        )
    print(json.dumps(found))


if __name__ == '__main__':
    main(sys.argv[1])
