"""Make one HTML page and a Markdown table from the results.json of any number of test runs."""

import sys

import _command
from _command import number

EXAMPLES = """\
examples:
  python tools/report.py work_dirs/demo
  python tools/report.py work_dirs --markdown report.md --published hmdb51
  python tools/report.py --names ERM=work_dirs/erm_hmdb51 'ALBAR (ours)=work_dirs/albar_hmdb51' \\
      --classes data/hmdb51/classes.txt --out hmdb51.html

Runs in folders <method>/seed<k>/ are seeds of one method. Exit status 3: the report is written, but
some numbers in it cannot be right (they are printed).
"""
OPTIONS = {
    'paths': dict(
        nargs='*', metavar='PATH', help='results.json, or a folder searched for such files'
    ),
    '--names': dict(
        nargs='+',
        default=[],
        metavar='METHOD=PATH',
        help='the same with a name of your own for the method',
    ),
    '--out': dict(default='report.html', help='page to write (default: report.html)'),
    '--markdown': dict(metavar='FILE', help='also write the tables as Markdown'),
    '--title': dict(default='Static bias in action recognition', help='heading'),
    '--published': dict(
        choices=('hmdb51', 'ucf101', 'ucf101_boxes', 'k400'),
        help="show the paper's numbers for this data set in a block of their own",
    ),
    '--classes': dict(metavar='FILE', help='class names, one per line, in the order of the labels'),
    '--num-classes': dict(
        type=number(2), help='for the chance level (default: as many as --classes)'
    ),
}


def _work(args: _command.Args) -> int:
    from albar_mm.report import make_report, terminal_text

    report = make_report(
        args.paths,
        [given.split('=', 1) for given in args.names],
        args.out,
        args.markdown,
        title=args.title,
        published=args.published,
        classes=args.classes,
        num_classes=args.num_classes,
    )
    for line in (*report.faults, *report.warnings, *(f'note: {n}' for n in report.notes)):
        print(line, file=sys.stderr)
    print(terminal_text(report))
    print('\n'.join(path for path in (args.out, args.markdown) if path))
    return _command.INCOMPLETE if report.faults else 0


def _check(args: _command.Args) -> str:
    if not args.paths and not args.names:
        return 'name at least one results.json or folder'
    nameless = [given for given in args.names if '=' not in given]
    return f'--names takes METHOD=PATH, got {nameless[0]!r}' if nameless else ''


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work, check=_check).main

if __name__ == '__main__':
    sys.exit(main())
