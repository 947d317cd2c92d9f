# SPDX-License-Identifier: Apache-2.0
"""The cable is pulled at each packet of a deployment to real MicroPython (WebAssembly).

    python -m host_tests.faults.deploy_cable            every packet
    python -m host_tests.faults.deploy_cable --every 5  every 5th

A packet is 64 bytes of USB from the computer; the power goes with the cable. After each pull the
board boots and must have the old program or the new one; the same command then ends with the new.
"""

import argparse
import sys
from collections import Counter

from host_tests.micropython.served import Cable, Served
from host_tests.unit.boards_rig import PICO, content, on_board, pico
from tools.boards import deploy
from tools.boards.errors import LinkLost
from tools.boards.link import Link

PACKET = 64
OWN = ("/deploy.part", "/deploy.pack", "/deploy.boot")


def deployed(url, wanted):
    link = Link(url)
    try:
        plan = deploy.plan_for(link, PICO, wanted)
        if not plan.nothing:
            deploy.carry_out(link, plan, lambda what, steps: None)
    finally:
        link.close()


def sweep(every: int, told=lambda cut: None) -> Counter:
    """Pull the cable after every n-th packet. Raises AssertionError."""
    old, new = content("old", gone=b"x = 1\n"), content("new", added=b"y = 2\n")
    seen: Counter = Counter()
    with Served(pico(), power_cycle=True) as served:
        deployed(served.url, new)
        with Cable(served.port) as whole:
            deployed(whole.url, old)
            total = whole.passed
        for cut in range(PACKET, total, every * PACKET):
            told(cut / total)
            with Cable(served.port, cut) as cable:
                try:
                    deployed(cable.url, new)
                except LinkLost:
                    seen["pulled"] += 1
            state = {p: d for p, d in on_board(served.url).items() if p not in OWN}
            assert state in (old.ordered(), new.ordered()), f"pulled after {cut} bytes"
            seen["new" if state == new.ordered() else "old"] += 1
            deployed(served.url, new)
            assert on_board(served.url) == new.ordered(), f"repeated after {cut} bytes"
            old, new = new, old
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m host_tests.faults.deploy_cable")
    parser.add_argument("--every", type=int, default=1, help="only every n-th packet")
    shown = sys.stderr.isatty()

    def show(share: float) -> None:
        if shown:
            print(f"{share:.0%} \r", end="", file=sys.stderr)

    seen = sweep(parser.parse_args().every, show)
    print(f"cable pulled at {seen['pulled']} packets: {seen['old']} boards boot the old program, "
          f"{seen['new']} the new one; each repeated deployment was whole")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
