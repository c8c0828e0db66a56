"""Results files for tests, written by the library's own writer."""

from albar_mm.evaluation.results import write_results

BACKGROUNDS = ('scene', 'stripe')


def metrics(scuba=80.0, scufo=40.0, contrasted=40.0, iid=90.0, conflfg=50.0):
    """Scores that are the same on every background; by default the worked example of the sets."""
    scores = {'iid/top1': iid, 'conflfg/top1': conflfg, 'conflfg/conflict_top1': 5.0}
    for name, value in dict(scuba=scuba, scufo=scufo, contrasted=contrasted).items():
        scores |= {f'{name}/{background}': value for background in (*BACKGROUNDS, 'avg')}
    return scores


def protocol(policy='loop', backgrounds=BACKGROUNDS, videos=10):
    shown = [f'{domain}/{of}' for domain in ('scuba', 'scufo') for of in backgrounds]
    sets = ['iid/original', *shown, 'conflfg/stripe']
    sampled = dict(type='SampleFrames', clip_len=8, out_of_bound_opt=policy)
    steps = [dict(type='OpenCVInit', io_backend='disk'), sampled]
    steps += [dict(type='FormatShape', input_format='NCTHW')]
    pipelines = {domain: steps for domain in ('iid', 'scuba', 'scufo', 'conflfg')}
    counts = dict(num_samples=videos * len(sets), sets={name: videos for name in sets})
    return dict(counts, pipelines=pipelines, average_clips='prob')


def data(digest='ab', backgrounds=BACKGROUNDS):
    kinds = [f'{kind}_{of.title()}' for kind in ('SCUBA', 'SCUFO') for of in backgrounds]
    files = ['iid/test.txt', *(f'TOY_{kind}/manifest.jsonl' for kind in [*kinds, 'ConflFG_Stripe'])]
    return [dict(file=file, bytes=1, sha256=digest * 32) for file in files]


def write(folder, scores=None, *, how=None, files=None, weights=None, seed=0, **extra):
    """Write ``<folder>/results.json`` and give its path."""
    path = folder / 'results.json'
    write_results(
        path,
        metrics() if scores is None else scores,
        how or protocol(),
        data() if files is None else files,
        dict(weights_sha256=weights or str(folder), file='epoch_1.pth'),
        seed,
        config=dict(file='toy.py', sha256='0'),
        **extra,
    )
    return path
