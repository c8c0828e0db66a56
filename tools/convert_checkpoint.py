"""Convert weights of torchvision's Video Swin, or of the official ALBAR, MGFN and others."""

import importlib
import sys

import _command

EXAMPLES = """\
examples:
  python tools/convert_checkpoint.py swin3d-torchvision swin3d_t-7615ae03.pth \\
      data/weights/swin3d_t_k400.pth
  python tools/train.py configs/albar/released/swin_tiny_hmdb51.py        # begins with that file
  python tools/convert_checkpoint.py albar-official albar_hmdb51.pth albar_hmdb51_mm.pth
  python tools/test.py configs/albar_hmdb51.py albar_hmdb51_mm.pth
  python tools/convert_checkpoint.py mgfn-official mgfn_ucf.pkl mgfn_ucf_mm.pth

A Swin loads into configs with mmaction's _base_/models/swin_tiny.py (swin3d_s, swin3d_b: with
arch='small', 'base'), as load_from or for testing; an MGFN into
configs/downstream/anomaly_mgfn_ucfcrime.py with model.backbone.in_channels of its features.
Where to get the files: docs/data.md.
"""


_SWIN3D = ('albar_mm.engine.checkpoints.convert', 'convert_swin3d')
_KINDS = {
    'swin3d-torchvision': _SWIN3D,
    'albar-official': _SWIN3D,  # a swin3d_t with a head of its own classes
    'mgfn-official': ('downstream.anomaly.convert', 'convert_mgfn'),
    'tridet-official': ('downstream.tal.convert', 'convert_tridet'),
    'actionformer-official': ('downstream.tal.convert', 'convert_actionformer'),
}
OPTIONS = {
    'kind': dict(choices=tuple(_KINDS)),
    'source': dict(metavar='IN', help='weights to read; they are not changed'),
    'target': dict(metavar='OUT', help='checkpoint to write'),
}


def _work(args: _command.Args) -> None:
    from albar_mm.engine.checkpoints.convert import convert_checkpoint

    module, name = _KINDS[args.kind]
    convert = getattr(importlib.import_module(module), name)
    done = convert_checkpoint(convert, args.source, args.target)
    print('\n'.join([*done.lines(), args.target]))


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work).main

if __name__ == '__main__':
    sys.exit(main())
