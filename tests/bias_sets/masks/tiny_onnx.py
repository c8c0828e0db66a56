"""ONNX models of a few nodes, written byte by byte: the package ``onnx`` is not needed.

Field numbers are those of ``onnx.proto3`` (github.com/onnx/onnx).
"""

import struct

FLOAT, INT, INTS = 1, 2, 7  # an element type, and two kinds of attributes


def _varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _field(number, value):
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _attribute(name, value):
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, INT)
    return _field(1, name) + b''.join(_field(8, v) for v in value) + _field(20, INTS)


def node(kind, inputs, output, **attributes):
    """A node; attributes are integers or lists of them."""
    given = b''.join(_field(1, name) for name in inputs)
    options = b''.join(_field(5, _attribute(*item)) for item in attributes.items())
    return given + _field(2, output) + _field(4, kind) + options


def weights(name, shape, values):
    """A float constant."""
    raw = struct.pack(f'<{len(values)}f', *values)
    return (
        b''.join(_field(1, n) for n in shape) + _field(2, FLOAT) + _field(8, name) + _field(9, raw)
    )


def _described(name, shape):
    sides = b''.join(
        _field(1, _field(2, side) if isinstance(side, str) else _field(1, side)) for side in shape
    )
    return _field(1, name) + _field(2, _field(1, _field(1, FLOAT) + _field(2, sides)))


def write_model(path, nodes, constants, input_shape, output_shape, outputs=('y',)):
    """Write a model with the input ``x``; sides of shapes are integers or names."""
    graph = b''.join(
        [
            *(_field(1, n) for n in nodes),
            _field(2, 'g'),
            *(_field(5, w) for w in constants),
            _field(11, _described('x', input_shape)),
            *(_field(12, _described(name, output_shape)) for name in outputs),
        ]
    )
    opset = _field(1, '') + _field(2, 13)
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, opset))
    return path


def mixing(matrix, bias=None):
    """A 1 x 1 convolution from ``a`` to ``b``: ``matrix`` (outputs, 3), ``bias`` (outputs)."""
    rows = [value for row in matrix for value in row]
    bias = bias or [0.0] * len(matrix)
    constants = [weights('w', [len(matrix), 3, 1, 1], rows), weights('c', [len(matrix)], bias)]
    return node('Conv', ['a', 'w', 'c'], 'b', kernel_shape=[1, 1]), constants
