"""model-index.yml and the metafiles name every config of the methods, once."""

from pathlib import Path

import pytest
import yaml
from mmengine.config import Config

import albar_mm  # noqa: F401  (configs name its parts)

ROOT = Path(__file__).parents[2]
METHODS = 'mixup videomix sdn be actorcutmix fame stillmix albar albar_stillmix'.split()
DATA = {'HMDB51': 51, 'UCF101': 101, 'Kinetics-400': 400}


@pytest.fixture(scope='module')
def metafiles():
    def read(path):
        return yaml.safe_load((ROOT / path).read_text(encoding='utf-8'))

    return {path: read(path) for path in read('model-index.yml')['Import']}


def test_every_method_has_a_metafile_and_every_config_is_named_once(metafiles):
    assert sorted(metafiles) == sorted(f'configs/{method}/metafile.yml' for method in METHODS)
    named = [model['Config'] for meta in metafiles.values() for model in meta['Models']]
    there = [path for method in METHODS for path in ROOT.glob(f'configs/{method}/*-rgb.py')]
    assert len(there) == 30
    assert sorted(named) == sorted(path.relative_to(ROOT).as_posix() for path in there)


def test_what_is_said_of_a_model_is_so(metafiles):
    for path, meta in metafiles.items():
        (collection,) = meta['Collections']
        assert (ROOT / collection['README']).is_file()
        assert collection['README'] == path.replace('metafile.yml', 'README.md')
        assert collection['Paper']['URL'].startswith('https://arxiv.org/abs/')
        for model in meta['Models']:
            assert model['In Collection'] == collection['Name']
            assert Path(model['Config']).stem == model['Name']
            assert 'Weights' not in model and 'Results' not in model  # none are published
            cfg, said = Config.fromfile(ROOT / model['Config']), model['Metadata']
            assert cfg.train_dataloader.batch_size == said['Batch Size']
            assert cfg.train_cfg.max_epochs == said['Epochs']
            assert cfg.model.cls_head.num_classes == DATA[said['Training Data']]
            video_weights = 'kinetics400' in str(cfg.load_from or '')
            assert said['Pretrained'] == ('Kinetics-400' if video_weights else 'ImageNet')


@pytest.mark.parametrize('method', METHODS)
def test_readme_says_how_to_train(method):
    text = (ROOT / 'configs' / method / 'README.md').read_text(encoding='utf-8')
    for part in ('## Settings', '## Cost', '## Sources and differences', '| plug-in point |'):
        assert part in text
    commands = [line for line in text.splitlines() if line.startswith('python tools/train.py')]
    assert (ROOT / commands[0].split()[-1]).is_file() and '--debias' in commands[1]
