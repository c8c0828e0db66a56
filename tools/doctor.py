"""Print what is installed, what is wrong, and the command that mends it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import _command

EXAMPLES = """\
examples:
  python tools/doctor.py
  python tools/doctor.py --config configs/albar_hmdb51.py
  python tools/doctor.py --config configs/albar_hmdb51.py \\
      --cfg-options train_dataloader.dataset.ann_file=train.txt
  python tools/doctor.py --json > doctor.json

exit status: 0 if nothing would stop a run (warnings do not count), else 1

Paste the block at the end of the output into a bug report; it names no user and no home folder.
"""


def load_doctor() -> ModuleType:
    """The doctor without the package around it, whose import may be what fails."""
    package = importlib.util.find_spec('albar_mm').submodule_search_locations[0]
    folder = Path(package) / 'doctor'
    spec = importlib.util.spec_from_file_location(
        'albar_mm_doctor', folder / '__init__.py', submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


OPTIONS = {
    '--config': dict(help='check its data, masks, checkpoint, decoder and workers too'),
    '--cfg-options': dict(
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override settings of the config, as for tools/train.py',
    ),
    '--json': dict(action='store_true', help='print the report as JSON and nothing else'),
}


def _work(args: _command.Args) -> int:
    doctor = load_doctor()
    report = doctor.diagnose(
        args.config,
        args.cfg_options,
        lambda text: print(f'checking {text} ...', file=sys.stderr, flush=True),
    )
    if args.json:
        print(report.as_json())
    else:
        print(f'{report.advice()}\n\nFor a bug report:\n\n{report.block()}')
    return 0 if report.ok else _command.FAILED


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work).main

if __name__ == '__main__':
    sys.exit(main())
