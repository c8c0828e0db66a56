"""What every benchmark does around its measurement."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _command


def run_benchmark(
    args: argparse.Namespace,
    measure: Callable[[argparse.Namespace], dict[str, Any]],
    report: Callable[[dict[str, Any]], str],
) -> int:
    """Measure, print the report and write the document where ``--out`` says; the exit status.

    Args:
        args: The command line, with ``out`` and ``debug``.
        measure: Returns the document.
        report: Makes a text of it.
    """

    def work() -> None:
        from albar_mm.utils.files import write_text

        document = measure(args)
        print(report(document))
        if args.out:
            write_text(Path(args.out), json.dumps(document, indent=2) + '\n')

    return _command.run(work, debug=args.debug)


def progress(text: str) -> None:
    """Say how far the measurement is, beside the report.

    Args:
        text: One line.
    """
    print(text, file=sys.stderr, flush=True)
