"""Convert weights of torchvision's Video Swin, or of the official ALBAR, MGFN and others."""

import importlib
import sys

import _command

EXAMPLES = """\
examples:
  python tools/convert_checkpoint.py swin3d-torchvision swin3d_t-7615ae03.pth swin3d_t_k400.pth
  python tools/convert_checkpoint.py albar-official albar_hmdb51.pth albar_hmdb51_mm.pth
  python tools/test.py configs/albar_hmdb51.py albar_hmdb51_mm.pth
  python tools/convert_checkpoint.py mgfn-official mgfn_ucf.pkl mgfn_ucf_mm.pth

A Swin loads into configs with mmaction's _base_/models/swin_tiny.py (swin3d_s, swin3d_b: with
arch='small', 'base'), as load_from or for testing; an MGFN into
configs/downstream/anomaly_mgfn_ucfcrime.py with model.backbone.in_channels of its features.
"""


_ELSEWHERE = {
    'mgfn-official': ('downstream.anomaly.convert', 'convert_mgfn'),
    'tridet-official': ('downstream.tal.convert', 'convert_tridet'),
    'actionformer-official': ('downstream.tal.convert', 'convert_actionformer'),
}


def main(argv: list[str] | None = None) -> int:
    """Run the tool on ``argv``, by default the command line; returns the exit status."""
    parser = _command.parser(__doc__, EXAMPLES)
    parser.add_argument('kind', choices=('swin3d-torchvision', 'albar-official', *_ELSEWHERE))
    parser.add_argument('source', metavar='IN', help='weights to read; they are not changed')
    parser.add_argument('target', metavar='OUT', help='checkpoint to write')
    args = parser.parse_args(argv)

    def work() -> None:
        from albar_mm.engine.checkpoints.convert import convert_checkpoint

        kind = args.kind
        if kind in _ELSEWHERE:
            module, name = _ELSEWHERE[kind]
            kind = getattr(importlib.import_module(module), name)
        print('\n'.join([*convert_checkpoint(kind, args.source, args.target).lines(), args.target]))

    return _command.run(work, debug=args.debug)


if __name__ == '__main__':
    sys.exit(main())
