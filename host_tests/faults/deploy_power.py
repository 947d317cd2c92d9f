# SPDX-License-Identifier: Apache-2.0
"""The power goes while a board is being deployed, at each operation of a real littlefs.

    python -m host_tests.faults.deploy_power            every operation of every case
    python -m host_tests.faults.deploy_power --every 7  every 7th

After each cut the board boots: it must then have exactly the old program or exactly the new one,
with boot.py and main.py and the user's files. The same deployment is done again and must end with
the new one. What the boot itself writes is cut too.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from host_tests.faults.flash_board import FlashBoard, cuts
from tools.boards import config, deploy, files
from tools.boards.files import Content, with_manifest

PICO = config.load("rpi_pico")
OWN = ("/deploy.part", "/deploy.pack", "/deploy.boot", "/boot.py.new")
USERS = {"/config.good": b"kept" * 99, "/log.txt": b"line\n" * 40, "/models/old.tcb": bytes(999)}


def quiet(what, steps):
    pass


def small(tag: str, **more: bytes) -> Content:
    """A program of a few files, of which each but one says `tag`."""
    made = {f"/firmware/{name}.mpy": f"{tag} {name} ".encode() * 99 for name in ("app", "slots")}
    made["/firmware/__init__.mpy"] = b""
    made["/lib/tocsin/same.mpy"] = b"the same in both" * 300
    made["/lib/tocsin/kernels/big.mpy"] = "".join(f"{tag}{i * i}" for i in range(2500)).encode()
    made["/boot.py"] = f"print({tag!r})\n".encode()
    made["/main.py"] = f"print({tag!r})\n".encode()
    made["/board.json"] = PICO.content()
    made.update({f"/lib/tocsin/{name}.mpy": data for name, data in more.items()})
    return Content(with_manifest(made, PICO.id))


def whole() -> tuple[Content, Content]:
    """The real program, and one that differs in a quarter of its files, as an earlier version."""
    new = files.program(PICO)
    old = {path: data for path, data in new.items() if path != files.MANIFEST}
    for number, path in enumerate(sorted(old)):
        if number % 4 == 0 and path not in ("/boot.py", "/main.py"):
            old[path] = old[path][::-1] + b"earlier"
    old["/firmware/gone.mpy"] = old["/firmware/app.mpy"]
    del old["/firmware/compose.mpy" if "/firmware/compose.mpy" in old else "/firmware/room.mpy"]
    return Content(with_manifest(old, PICO.id)), Content(new)


@dataclass
class Case:
    """From one board to another. `old` None: a board without anything."""

    name: str
    old: Content | None
    new: Content
    blocks: int
    every: int = 1
    seen: Counter = field(default_factory=Counter)
    operations: int = 0


def deployed(board: FlashBoard, wanted: Content) -> None:
    """One deployment, as the command does it."""
    plan = deploy.plan_for(board, PICO, wanted)
    if not plan.nothing:
        deploy.carry_out(board, plan, quiet)


def state(board: FlashBoard, case: Case, after: str) -> str:
    """`old`, `new` or `empty`; anything else fails. What a deployment keeps is left out."""
    found = {path: data for path, data in board.files().items() if path not in OWN}
    if case.old is not None:
        for path, data in USERS.items():
            assert found.pop(path, None) == data, f"{case.name}, {after}: {path} is lost"
    new, old = case.new.ordered(), {} if case.old is None else case.old.ordered()
    if found == new:
        return "new"
    if found == old:
        return "old"
    wrong = sorted(p for p in found.keys() | old.keys() if found.get(p) != old.get(p))
    raise AssertionError(f"{case.name}, {after}: neither old nor new: {wrong}")


def start(case: Case) -> bytes:
    board = FlashBoard(case.blocks)
    if case.old is not None:
        board.write({**USERS, **case.old.ordered()})
    return board.image()


def run(case: Case, told: Callable[[int], None] = lambda n: None) -> None:
    """Every cut of a case. Raises AssertionError at the first board that is not right."""
    content = start(case)
    board = FlashBoard(case.blocks, content)
    deployed(board, case.new)
    assert state(board, case, "without a cut") == "new"
    case.operations = len(board.flash.journal)
    for after, left in cuts(content, board.flash.journal, lambda n: n % case.every == 0):
        _power_on(case, after, left)
        told(sum(case.seen.values()))


def _power_on(case: Case, after: str, left: bytes) -> None:
    board = FlashBoard(case.blocks, left)
    board.boot()
    if case.old is not None:
        assert board.boot_error is None, f"{case.name}, {after}: {board.boot_error}"
    found = state(board, case, after)
    case.seen[found] += 1
    recovery = list(board.flash.journal)
    deployed(board, case.new)
    assert state(board, case, after + ", deployed again") == "new"
    at = (0, len(recovery) // 3, 2 * len(recovery) // 3, len(recovery) - 1)
    if recovery:
        for later, torn in cuts(left, recovery, lambda n: n in at):
            again = FlashBoard(case.blocks, torn)
            again.boot()
            assert state(again, case, f"{after}, then {later}") == "new"
            case.seen["new after a cut in the boot"] += 1


def cases(every: int, real: bool = True) -> list[Case]:
    old, new = small("old", gone=b"x" * 700), small("new", added=b"y" * 700)
    found = [Case("small", old, new, 64, every), Case("small, onto nothing", None, new, 64, every)]
    if real:
        before, after = whole()
        found.append(Case("the program", before, after, 352, 40 * every))
        found.append(Case("the program, onto nothing", None, after, 352, 40 * every))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m host_tests.faults.deploy_power")
    parser.add_argument("--every", type=int, default=1, help="only every n-th operation")
    shown = sys.stderr.isatty()

    def show(n: int) -> None:
        if shown:
            print(f"{n} \r", end="", file=sys.stderr)

    total = 0
    for case in cases(parser.parse_args().every):
        run(case, show)
        count = sum(case.seen.values())
        total += count
        seen = ", ".join(f"{n} {what}" for what, n in case.seen.items())
        print(f"{case.name}: {case.operations} operations, {count} scenarios: {seen}")
    print(f"{total} power cuts: each board boots the old or the new program, 0 others")
    return 0


if __name__ == "__main__":
    sys.exit(main())
