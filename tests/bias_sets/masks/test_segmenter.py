"""Segmenters whose answer is known for every pixel, and a real one."""

import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest

from albar_mm.bias_sets.masks.folders import JhmdbMasks
from albar_mm.bias_sets.masks.network import SegmenterMasks
from albar_mm.bias_sets.masks.refine import WithinBoxes

from ...refused import refused
from .tiny_onnx import mixing, node, write_model
from .toy_masks import UCF_CLIPS, ShortTubes, index_of, iou, real_clip, ucf_clip, video_of

RED, GREEN, BLUE = (200, 30, 10), (20, 220, 40), (15, 25, 230)
SHAPE = (1, 3, 16, 24)
CHANNELS = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
RED_ALONE = [[1, 0, 0]]


def coloured(height=16, width=24):
    """Left half red, right half green, the lowest quarter blue."""
    frames = np.zeros((2, height, width, 3), np.uint8)
    frames[:, :, : width // 2], frames[:, :, width // 2 :] = RED, GREEN
    frames[:, height * 3 // 4 :] = BLUE
    frames[1] = frames[1, :, ::-1]
    return video_of(frames)


def is_colour(video, colour):
    return (video.frames == colour).all(-1)


def model(tmp_path, matrix=CHANNELS, bias=None, shape=SHAPE, last=(), name='m.onnx'):
    """Channels mixed by ``matrix``, then the nodes ``last`` from ``b`` to ``y``."""
    conv, constants = mixing(matrix, bias)
    begin = node('Identity', ['x'], 'a')
    nodes = [begin, conv, *(last or [node('Identity', ['b'], 'y')])]
    output = (1, len(matrix), *shape[2:])
    return write_model(tmp_path / name, nodes, constants, shape, output)


def test_one_channel_of_probabilities(tmp_path):
    video = coloured()
    source = SegmenterMasks(model(tmp_path, RED_ALONE))
    assert np.array_equal(source.masks(video), is_colour(video, RED))
    blue_first = SegmenterMasks(source.model, channels='bgr')
    assert np.array_equal(blue_first.masks(video), is_colour(video, BLUE))


def test_threshold_and_normalisation(tmp_path):
    """The red of red pixels is 200 / 255 = 0.7843."""
    video, path = coloured(), model(tmp_path, RED_ALONE)
    red = is_colour(video, RED)
    for threshold, expected in ((0.78, True), (0.79, False)):
        masks = SegmenterMasks(path, threshold=threshold).masks(video)
        assert np.array_equal(masks, red & expected)
    # (200 / 100 - 1.5) / 0.8 = 0.625; green (20 / 100 - 1.5) / 0.8 < 0 would be no probability
    shifted = SegmenterMasks(path, scale=1 / 100, mean=(1.5, 9, 9), std=(0.8, 1, 1), output='logit')
    sigmoid = 1 / (1 + np.exp(-0.625))
    for limit, found in ((sigmoid - 0.01, True), (sigmoid + 0.01, False)):
        masks = replace(shifted, threshold=limit).masks(video)
        assert masks[red].all() == found and not masks[is_colour(video, GREEN)].any()


@pytest.mark.parametrize(
    ('output', 'person', 'colour'),
    [
        ('probability', 1, GREEN),
        ('argmax', 2, BLUE),
        ('argmax', 0, RED),
        ('softmax', 1, GREEN),
        ('logit', 2, BLUE),
    ],
)
@pytest.mark.parametrize('layout', ['nchw', 'nhwc'])
def test_several_channels(tmp_path, output, person, colour, layout):
    """Outputs with the channels last too; scores of the right class are about 8, others about 0."""
    sharp = [[10 * value for value in row] for row in CHANNELS]
    matrix = CHANNELS if output == 'probability' else sharp
    bias = [-4.0] * 3 if output == 'logit' else None
    last = [node('Transpose', ['b'], 'y', perm=[0, 2, 3, 1])] if layout == 'nhwc' else ()
    source = SegmenterMasks(model(tmp_path, matrix, bias, last=last), output=output, person=person)
    video = coloured()
    assert np.array_equal(source.masks(video), is_colour(video, colour))


def test_softmax_is_over_the_channels(tmp_path):
    """exp(2) / (exp(2) + exp(1) + exp(0)) = 0.6652 for red 2, green 1, blue 0."""
    frames = np.full((1, 16, 24, 3), (200, 100, 0))
    path = model(tmp_path)
    for threshold, expected in ((0.66, True), (0.67, False)):
        source = SegmenterMasks(path, scale=0.01, output='softmax', person=0, threshold=threshold)
        assert source.masks(video_of(frames)).all() == expected


@pytest.mark.parametrize('keepdims', [0, 1])
def test_class_indices(tmp_path, keepdims):
    last = [node('ArgMax', ['b'], 'i', axis=1, keepdims=keepdims), node('Cast', ['i'], 'y', to=1)]
    path = model(tmp_path, last=last)
    video = coloured(32, 48)
    source = SegmenterMasks(path, output='index', person=2)
    assert np.array_equal(source.masks(video), is_colour(video, BLUE))
    nobody = replace(source, person=None)
    refused('gives class indices; say which .* person=15', nobody.masks, video)


def test_channels_last_input(tmp_path):
    conv, constants = mixing(RED_ALONE)
    nodes = [node('Transpose', ['x'], 'a', perm=[0, 3, 1, 2]), conv, node('Identity', ['b'], 'y')]
    path = write_model(tmp_path / 'm.onnx', nodes, constants, (1, 16, 24, 3), (1, 1, 16, 24))
    video = coloured()
    for layout in (None, 'nhwc'):
        masks = SegmenterMasks(path, layout=layout).masks(video)
        assert np.array_equal(masks, is_colour(video, RED))


def test_free_size_must_be_given_and_an_input_is_an_image(tmp_path):
    path = model(tmp_path, RED_ALONE, shape=('n', 3, 'h', 'w'))
    video = coloured()
    refused('m.onnx: the model does not fix .*add size=HEIGHTxWI', SegmenterMasks(path).check)
    masks = SegmenterMasks(path, size=(8, 12)).masks(video)
    assert iou(masks, is_colour(video, RED)) > 0.85
    write_model(path, [node('Relu', ['x'], 'y')], [], (1, 4, 16, 24), (1, 4, 16, 24))
    refused('takes an input of shape .* image of 3 colours', SegmenterMasks(path).check)


def test_scores_are_resized_before_they_are_compared(tmp_path):
    """A map of a quarter of the side; its bilinear ramp, worked with OpenCV alone."""
    frames = np.zeros((1, 32, 48, 3), np.uint8)
    frames[:, :, :, 0] = np.linspace(0, 255, 48).astype(np.uint8)
    conv, constants = mixing(RED_ALONE)
    pool = node('AveragePool', ['b'], 'y', kernel_shape=[4, 4], strides=[4, 4])
    nodes = [node('Identity', ['x'], 'a'), conv, pool]
    path = write_model(tmp_path / 'm.onnx', nodes, constants, (1, 3, 32, 48), (1, 1, 8, 12))
    pooled = frames[0, ..., 0].reshape(8, 4, 12, 4).mean((1, 3)) / 255
    ramp = cv2.resize(pooled.astype(np.float32), (48, 32), interpolation=cv2.INTER_LINEAR)
    masks = SegmenterMasks(path, threshold=0.4).masks(video_of(frames))
    assert np.array_equal(masks[0], ramp >= 0.4)
    assert not np.array_equal(masks[0], np.kron(pooled >= 0.4, np.ones((4, 4))) > 0)


def test_two_outputs(tmp_path):
    conv, constants = mixing(RED_ALONE)
    first = node('Identity', ['x'], 'a')
    nodes = [first, conv, node('Identity', ['b'], 'y'), node('Neg', ['b'], 'z')]
    path = tmp_path / 'm.onnx'
    write_model(path, nodes, constants, SHAPE, (1, 1, 16, 24), ('y', 'z'))
    video = coloured()
    masks = SegmenterMasks(path, layer='y').masks(video)
    assert np.array_equal(masks, is_colour(video, RED))
    assert not SegmenterMasks(path, layer='z', output='logit', threshold=0.51).masks(video).any()
    refused('m.onnx: 2 outputs; name one with layer=, of: y, z', SegmenterMasks(path).masks, video)
    refused("m.onnx: no output 'out'; name one", SegmenterMasks(path, layer='out').masks, video)


def test_settings_tell_models_and_options_apart(tmp_path):
    path = model(tmp_path, RED_ALONE)
    source = SegmenterMasks(path)
    first = source.settings()
    assert first['model'] == 'm.onnx' and first['name'] == source.name == 'segmenter(m)'
    assert SegmenterMasks(path, threshold=0.6).settings() != first
    model(tmp_path, [[0, 1, 0]])  # another model under the name
    assert source.settings() == {**first, 'sha256': source.settings()['sha256']} != first
    video = coloured()
    assert np.array_equal(source.masks(video), is_colour(video, GREEN))
    assert pickle.loads(pickle.dumps(source)) == source and len(pickle.dumps(source)) < 1000
    assert source.files(video) == [path]


ONE = dict(matrix=RED_ALONE)
POOLED = dict(last=[node('GlobalAveragePool', ['b'], 'y')])
ROOTS = dict(matrix=[[-1, 0, 0]], last=[node('Sqrt', ['b'], 'y')])


@pytest.mark.parametrize(
    ('net', 'options', 'message'),
    [
        ({}, dict(person=3), 'gives 3 channels, person=3 is none of them; .* person=0 to 2'),
        ({}, {}, 'gives 3 channels; say which one is the person: person=0 to 2'),
        ({}, dict(person=0, scale=1.0), 'gives values from .* to 2.*, which are no probabilit'),
        ({}, dict(person=0, output='index'), 'gives 3 channels; a map of class indices has one'),
        ({}, dict(person=0, layout='nhwc'), r'an input of shape .*\(1, height, width, 3\)'),
        (ONE, dict(output='argmax'), 'gives one channel; output=argmax needs one per class'),
        (ONE, dict(output='softmax'), 'gives one channel; output=softmax needs one per class'),
        (POOLED, dict(person=0), r'an output of shape \(1, 3, 1, 1\); expected a'),
        (ROOTS, {}, 'gives values that are not finite; check sc'),
    ],
)
def test_options_that_do_not_fit_the_model(tmp_path, net, options, message):
    source = SegmenterMasks(model(tmp_path, **net), **options)
    refused(f'm.onnx: .*{message}', source.masks, coloured())


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(output='sigmoid'), "output='sigmoid': expected probability, logit, softmax, argm"),
        (dict(channels='grb'), 'expected rgb or bgr'),
        (dict(layout='chw'), 'expected nchw or nhwc'),
        (dict(threshold=0), 'expected a probability'),
        (dict(threshold=1.5), 'expected a probability'),
        (dict(size=(0, 5)), 'height and width'),
        (dict(std=(0, 1, 1)), 'expected three numbers > 0'),
        (dict(mean=(1, 2)), 'three finite numbers'),
        (dict(person=-1), 'a channel, counted from 0'),
        (dict(scale=0), 'a number > 0'),
    ],
)
def test_impossible_options(tmp_path, options, message):
    refused(message, SegmenterMasks, tmp_path / 'm.onnx', **options)


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('m.onnx', b'no model at all', 'm.onnx: OpenCV .* cannot read it as ONNX: '),
        ('m.onnx', b'', 'm.onnx: OpenCV .* cannot read it as ONNX: '),
        ('m.onnx', 'cut short', 'm.onnx: OpenCV .* cannot read it as ONNX: '),
        ('m.onnx', 'a folder', 'm.onnx: expected the file of a model, not a folder'),
        ('m.onnx', 'gone', 'm.onnx: no such model file'),
        ('m.tflite', b'\x1c\0\0\0TFL3' + b'\xff' * 100, 'm.tflite: OpenCV .* as TFLite: '),
        ('m.tflite', b'', 'm.tflite: OpenCV .* cannot read it as TFLite: '),
        ('m.pt', b'x', 'm.pt: expected a model that ends in .onnx or .tflite'),
    ],
)
def test_no_models(tmp_path, name, content, message):
    path = tmp_path / name
    if content == 'a folder':
        path.mkdir()
    elif content == 'cut short':
        path.write_bytes(model(tmp_path).read_bytes()[:100])
    elif content != 'gone':
        path.write_bytes(content)
    for use in (SegmenterMasks(path).check, lambda: SegmenterMasks(path).masks(coloured())):
        refused(message, use)


def test_loading_starts_no_threads(tmp_path):
    cv2.setNumThreads(3)
    SegmenterMasks(model(tmp_path)).check()
    assert cv2.getNumThreads() == 3


def selfie(real_data, **options):
    return SegmenterMasks(real_data / 'models' / 'selfie_segmentation.tflite', **options)


@pytest.mark.real_data
def test_real_segmenter_against_the_puppet_masks(real_data):
    """The middle test clip of 8 classes, 0.60 when written; the defaults are the right ones."""
    rows = index_of(real_data)
    puppets = JhmdbMasks(real_data / 'hmdb51_jhmdb21' / 'masks')
    sources = selfie(real_data), selfie(real_data, mean=(0.5,) * 3, std=(0.5,) * 3)
    scores = [[], []]
    for name in sorted({row['class'] for row in rows})[:8]:
        of_class = [row for row in rows if row['class'] == name]
        row = of_class[len(of_class) // 2]
        truth = puppets.masks(real_clip(real_data, row))[::9]
        video = real_clip(real_data, row, step=9)
        for source, of_source in zip(sources, scores, strict=True):
            pairs = zip(source.masks(video), truth, strict=True)
            of_source.append(np.mean([iou(a, b) for a, b in pairs if b.any()]))
    right, wrong = np.mean(scores, axis=1)
    assert right >= 0.5 and right > wrong + 0.05


@pytest.mark.real_data
def test_real_model_at_a_size_that_it_cannot_take(real_data):
    message = r'tion.tflite: OpenCV \S+ cannot run it on an input of shape \(1, 3, 144, 256\); try'
    refused(message, selfie(real_data, size=(144, 256)).masks, coloured())


@pytest.mark.real_data
@pytest.mark.parametrize('name', UCF_CLIPS)
def test_real_segmenter_within_real_boxes(real_data, name):
    boxes = ShortTubes(real_data / 'ucf101' / 'ucf101_24_boxes_pyannot.pkl')
    video = ucf_clip(real_data, name, frames=20)
    video.frames[12:] = 0  # the segmenter finds nobody on black: those boxes stay whole
    filled = boxes.masks(video)
    made = WithinBoxes(selfie(real_data), boxes, padding=0).result(video)
    assert made.notes == dict(boxes=20, box_fallbacks=8)
    assert not (made.masks & ~filled).any()
    assert 0.1 < made.masks[:12].sum() / filled[:12].sum() < 0.5
    assert np.array_equal(made.masks[12:], filled[12:])
