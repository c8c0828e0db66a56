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


def main(argv: list[str] | None = None) -> int:
    """Run the tool on ``argv``, by default the command line; returns the exit status."""
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add(
        'paths', nargs='*', metavar='PATH', help='results.json, or a folder searched for such files'
    )
    add(
        '--names',
        nargs='+',
        default=[],
        metavar='METHOD=PATH',
        help='the same with a name of your own for the method',
    )
    add('--out', default='report.html', help='page to write (default: report.html)')
    add('--markdown', metavar='FILE', help='also write the tables as Markdown')
    add('--title', default='Static bias in action recognition', help='heading')
    add(
        '--published',
        choices=('hmdb51', 'ucf101', 'ucf101_boxes', 'k400'),
        help="show the paper's numbers for this data set in a block of their own",
    )
    add('--classes', metavar='FILE', help='class names, one per line, in the order of the labels')
    add(
        '--num-classes', type=number(2), help='for the chance level (default: as many as --classes)'
    )
    args = parser.parse_args(argv)
    if not args.paths and not args.names:
        parser.error('name at least one results.json or folder')
    for given in args.names:
        if '=' not in given:
            parser.error(f'--names takes METHOD=PATH, got {given!r}')

    def work() -> int:
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

    return _command.run(work, debug=args.debug)


if __name__ == '__main__':
    sys.exit(main())
