# SPDX-License-Identifier: Apache-2.0
"""Make kernels.json, the golden vectors of the kernels: python -m host_tests.vectors.make_kernels

Run it only when a kernel is meant to give other numbers, and say so in the change.
"""

import json
from pathlib import Path

from host_tests.contract import kernels_cases as cases

PARTS = ("plans", "spectra", "times", "model", "cosines")


def main() -> None:
    """Write the file, one row per line."""
    lines = []
    for part in PARTS:
        rows = ",\n  ".join(json.dumps(row) for row in getattr(cases, part)())
        lines.append(f' "{part}": [\n  {rows}\n ]')
    path = Path(__file__).with_name("kernels.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(path)


if __name__ == "__main__":
    main()
