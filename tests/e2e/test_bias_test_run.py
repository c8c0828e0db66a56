"""Every set of a bias benchmark through one ``Runner.test()``."""

import json
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

import albar_mm
from albar_mm.evaluation import metrics
from albar_mm.utils.identity import file_identity, weights_sha256

from ..evaluation.tiny_benchmark import item_ids, test_pipeline, write_benchmark
from ..toy_recognizers import head, preprocessor
from .runs import domains, loader, runner


@MODELS.register_module()
class ToyMotionBackbone(nn.Module):
    """(rises, falls, stands still): a model that sees brightness change and nothing else."""

    def forward(self, x):
        level = x.mean(dim=(1, 3, 4))
        change = level[:, -1] - level[:, 0]
        return torch.stack([change, -change, torch.full_like(change, 5.0)], dim=1)


@MODELS.register_module()
class ToyAppearanceBackbone(nn.Module):
    """Sees one frame only: bright is class 0, dark is class 1."""

    def forward(self, x):
        level = x[:, :, 3].mean(dim=(1, 2, 3))
        return torch.stack([level - 100, 100 - level, torch.full_like(level, -1e3)], dim=1)


@MODELS.register_module()
class ToyPassHead(nn.Module):
    """Takes the backbone's output as class scores, like a stock head does."""

    average_clips = 'score'

    def predict(self, feats, data_samples, **kwargs):
        feats = feats.reshape(len(data_samples), -1, feats.shape[1]).mean(1)
        return [s.set_pred_score(f) for s, f in zip(data_samples, feats, strict=True)]


@pytest.fixture(scope='module')
def benchmark(tmp_path_factory):
    return write_benchmark(tmp_path_factory.mktemp('benchmark'))


def toy_model(backbone):
    return dict(
        type='Recognizer3D',
        backbone=dict(type=backbone),
        cls_head=dict(type='ToyPassHead'),
        data_preprocessor=dict(type='ActionDataPreprocessor', format_shape='NCTHW'),
    )


def stock_model():
    stem = dict(pretrained=None, pretrained2d=False, conv_cfg=dict(type='Conv3d'))
    norm = dict(mean=[114.75] * 3, std=[57.375] * 3)
    return dict(
        type='Recognizer3D',
        backbone=dict(type='ResNet3d', depth=18, base_channels=4, norm_eval=False, **stem),
        cls_head=head(32, average_clips='prob'),
        data_preprocessor=dict(preprocessor('ActionDataPreprocessor'), **norm),
    )


def run_test(work_dir, model, dataset, batch_size=2, **settings):
    dataset = dict(type='BiasBenchmarkDataset', pipeline=test_pipeline(), **dataset)
    made = runner(work_dir, model=model, **domains(dataset, batch_size), **settings)
    return made.test(), made


def of_toy(backbone, dataset, folder, **settings):
    return run_test(folder / 'w', toy_model(backbone), dataset, **settings)[0]


def test_a_motion_model_is_unbiased(benchmark, tmp_path):
    scores = of_toy('ToyMotionBackbone', benchmark, tmp_path)
    for key in ('iid/top1', 'scuba/avg', 'contrasted/avg', 'conflfg/top1'):
        assert scores[key] == 100.0
    assert scores['scufo/avg'] == scores['conflfg/conflict_top1'] == 0.0


def test_a_single_frame_model_has_no_contrast_and_domains_share_no_batch(benchmark, tmp_path):
    """IID at another size than SCUBA: a mixed batch would be zero-padded."""
    data = dict(benchmark, pipelines=dict(iid=test_pipeline(size=16)))
    scores = of_toy('ToyAppearanceBackbone', data, tmp_path, batch_size=100)
    assert scores['scuba/avg'] == scores['scufo/avg'] > 0.0
    assert scores['contrasted/avg'] == 0.0
    # frame 3 of the IID videos has brightness 136 (rises) or 64 (falls)
    assert scores['iid/top1'] == 100.0


def count_by_hand(runner, dataset):
    """Hits of each set, one video at a time, paired by the names of the files."""
    model = runner.model.eval()
    right = {}
    for index in range(len(dataset)):
        info, packed = dataset.get_data_info(index), dataset[index]
        batch = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
        with torch.no_grad():
            score = model.test_step(batch)[0].pred_score
        path = Path(info['filename'])
        right[path.parent.name, path.stem] = int(score.argmax()) == info['label']
    return right


def test_stock_recogniser_matches_a_count_by_hand(benchmark, tmp_path):
    torch.manual_seed(3)
    model = MODELS.build(stock_model())
    checkpoint = tmp_path / 'tiny.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    data = dict(benchmark, num_classes=3)
    scores, made = run_test(tmp_path / 'work', stock_model(), data, load_from=str(checkpoint))
    right = count_by_hand(made, made.test_dataloader.dataset)
    items = list(item_ids())

    def percent(hits):
        return pytest.approx(100.0 * sum(hits) / len(hits))

    assert scores['iid/top1'] == percent([v for (f, _), v in right.items() if f == 'videos'])
    assert scores['conflfg/top1'] == percent([right['TOY_ConflFG_Stripe', i] for i in items])
    for name in ('Places365', 'Stripe'):
        scuba = [right[f'TOY_SCUBA_{name}', i] for i in items]
        scufo = [right[f'TOY_SCUFO_{name}', i] for i in items]
        both = [a and not b for a, b in zip(scuba, scufo, strict=True)]
        assert scores[f'scuba/{name.lower()}'] == percent(scuba)
        assert scores[f'scufo/{name.lower()}'] == percent(scufo)
        assert scores[f'contrasted/{name.lower()}'] == percent(both)
    assert 0 < scores['contrasted/avg'] < 100  # else these weights show nothing
    _check_results_file(tmp_path / 'work' / 'results.json', scores, made, checkpoint, tmp_path)


def _check_results_file(path, scores, runner, checkpoint, tmp_path):
    text = path.read_text()
    assert str(tmp_path) not in text  # nothing of this machine
    document = json.loads(text)
    assert document['metrics'] == scores and document['seed'] == 3
    assert document['versions']['albar_mm'] == albar_mm.__version__
    weights = weights_sha256(runner.model)
    assert document['checkpoint'] == dict(file_identity(checkpoint), weights_sha256=weights)
    assert set(document['per_class']) == {'0', '1'}
    assert document['per_class']['0'].keys() <= scores.keys()
    protocol = document['protocol']
    assert protocol['num_samples'] == 28 and protocol['average_clips'] == 'prob'
    assert protocol['sets']['scufo/stripe'] == 5 and protocol['sets']['iid/original'] == 3
    sampling = protocol['clip_sampling']['scuba'][0]
    assert sampling['type'] == 'SampleFrames' and sampling['clip_len'] == 8
    assert sampling['out_of_bound_opt'] == 'loop'
    files = {entry['file']: entry['sha256'] for entry in document['data']}
    sources = runner.test_dataloader.dataset.source_files
    assert files == {name: file_identity(file)['sha256'] for name, file in sources.items()}
    assert len(files) == 6


def test_a_set_that_nobody_has_is_named_in_table_and_results(benchmark, tmp_path, monkeypatch):
    """The rest is scored as if it had been asked for alone."""
    tables = []
    monkeypatch.setattr(metrics, 'print_log', lambda text, **_: tables.append(text))
    three = ['places365', 'vqgan', 'stripe']
    data = dict(benchmark, scuba=three, scufo=three, missing='skip')
    scores = of_toy('ToyMotionBackbone', data, tmp_path / 'two')
    assert scores == of_toy('ToyMotionBackbone', benchmark, tmp_path / 'all')
    said = 'Static bias (not there: scuba/vqgan, scufo/vqgan)'
    assert [table.split('\n')[1] for table in tables] == [said, 'Static bias']
    assert tables[0].split('\n')[2:] == tables[1].split('\n')[2:]
    files = {name: tmp_path / name / 'w' / 'results.json' for name in ('two', 'all')}
    lacking = [json.loads(file.read_text())['protocol']['missing_sets'] for file in files.values()]
    assert lacking == [['scuba/vqgan', 'scufo/vqgan'], []]


def validation(dataset, batch_size):
    """Settings of the validation contrast of a data set."""
    return dict(
        val_dataloader=loader(dict(type='StaticPairDataset', dataset=dataset), batch_size),
        val_evaluator=dict(type='StaticContrastMetric'),
        val_cfg=dict(type='ValLoop'),
    )


def test_validation_contrast_of_a_stock_dataset(benchmark, tmp_path):
    """StaticPairDataset and StaticContrastMetric through Runner.val()."""
    pipeline = dict(type='VideoDataset', test_mode=True, pipeline=test_pipeline())
    settings = validation(dict(pipeline, **benchmark['iid']), 4)
    made = runner(tmp_path / 'w', model=toy_model('ToyMotionBackbone'), **settings)
    assert made.val() == {'val/top1': 100.0, 'val/static_top1': 0.0, 'val/contrast': 100.0}
