# SPDX-License-Identifier: Apache-2.0
"""`python -m tools.demo`: the demonstration; leaves build/demo/report.html and report.json."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from tools.demo.run import DemoError, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tools.demo",
                                     epilog="example: python -m tools.demo --hours 24")
    parser.add_argument("--out", type=Path, default=Path("build/demo"))
    parser.add_argument("--hours", type=float, default=24.0, help="length of the virtual day")
    parser.add_argument("--from", type=float, default=0.0, dest="start", metavar="HOUR",
                        help="time of day at which the boards are switched on")
    options = parser.parse_args()
    if not 0 < options.hours <= 24 or not 0 <= options.start < 24:
        print("tools.demo: --hours must be above 0 and up to 24, --from 0 to 24", file=sys.stderr)
        return 2
    try:
        run(options.out, options.hours, options.start * 3600, Console())
    except DemoError as error:
        print(f"tools.demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
