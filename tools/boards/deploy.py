# SPDX-License-Identifier: Apache-2.0
"""Bring a board to exactly what is wanted: send what changed, check it, then put it in place.

Everything arrives in one file, /deploy.part, which the running firmware does not know. When its
SHA-256, read back from the flash, is right, it is renamed to /deploy.pack, and one more rename
makes on_board/finish.py the board's boot.py. Before that rename the board is the old one, after it
the new one, whatever is unplugged when; nothing in between boots.
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from tools.boards import checks, pack
from tools.boards.config import Board
from tools.boards.errors import WrongBoard
from tools.boards.files import (
    BOOT,
    CONFIG,
    MANIFEST,
    Content,
    drivers_of,
    models_of,
    stale,
    told,
)
from tools.boards.link import Link, script

PART, PACK, STAND_IN = "/deploy.part", "/deploy.pack", "/deploy.boot"
_PIECE = 4096
_SLACK_BLOCKS = 4
_NAME = 48  # bytes that littlefs needs for an entry in a folder, name included
_INLINE = {"rp2": 512, "esp32": 128}  # an eighth of a block, or the cache of the port
_DRIVERS = "/firmware/drivers/"
_FOLDERS = ("/firmware", "/lib/tocsin", "/models")

_AT_BOOT = """
try:
    if finish(lambda path: None):
        with open("/boot.py") as file:
            text = file.read()
        exec(text)
except (OSError, ValueError) as error:
    print("deployment not finished:", error)
"""

Step = Callable[[str, int], None]


@dataclass
class Plan:
    """What has to change of all that is wanted. `changed` in the order of writing, boot.py last.

    kept: the board has a configuration of its own, which stays.
    """

    changed: dict[str, bytes]
    gone: list[str]
    pack: bytes
    needed: int
    wanted: dict[str, bytes]
    kept: bool = False

    @property
    def nothing(self) -> bool:
        return not self.changed and not self.gone

    @property
    def steps(self) -> int:
        """Length of the progress: bytes to send and files to write or remove."""
        return len(self.pack) + len(self.changed) + len(self.gone)


@dataclass(frozen=True)
class Outcome:
    """What was done; bytes of the pack that were sent, and that an earlier attempt had left."""

    plan: Plan
    sent: int
    resumed: int


def inventory(link: Link, content: Content) -> dict[str, str]:
    """Path -> `SHA-256 size` of the files on the board that matter; needs look.py there."""
    return _listed(link, (*content.ordered(), CONFIG, PART, PACK, MANIFEST))


def _listed(link: Link, paths: Iterable[str]) -> dict[str, str]:
    """What lies in our folders, whole, and which of the other files are there."""
    single = [path for path in dict.fromkeys(paths) if not path.startswith(_FOLDERS)]
    return listing(link.run(f"files({(*_FOLDERS, *single)!r})\n"))


def listing(text: str) -> dict[str, str]:
    """Lines `SHA-256 size path` as path -> `SHA-256 size`."""
    found = {}
    for line in text.splitlines():
        digest, size, path = line.split(" ", 2)
        found[path] = f"{digest} {size}"
    return found


def make_plan(
    content: Content, found: dict[str, str], manifest: str, block: int, inline: int
) -> Plan:
    """Compare what is wanted with what is there; `block`, `inline`: see `_space`."""
    wanted = content.ordered()
    changed = {path: data for path, data in wanted.items() if found.get(path) != told(data)}
    gone = stale(manifest, found, content)
    if (changed or gone) and BOOT in wanted:
        changed[BOOT] = wanted[BOOT]
    packed = pack.build(changed, gone) if changed or gone else b""
    needed = _space(changed, found, packed, block, inline)
    return Plan(changed, gone, packed, needed, wanted)


def _space(
    changed: dict[str, bytes], found: dict[str, str], packed: bytes, block: int, inline: int
) -> int:
    """Most bytes of flash that are taken at once, above what the board holds now.

    A file takes whole blocks; up to `inline` bytes it lies in its folder's own two blocks, as the
    names do, which are split in two before they are full.
    """

    def blocks(size: int) -> int:
        return -(-size // block) if size > inline else 0

    growth = largest = names = 0
    for path, data in changed.items():
        old = int(found[path].split()[1]) if path in found else 0
        growth += max(0, blocks(len(data)) - blocks(old))
        if path in found:
            largest = max(largest, blocks(len(data)))
        else:
            names += _NAME + (0 if blocks(len(data)) else len(data))
    folders = {path[:at] for path in changed for at in _slashes(path)}
    there = {path[:at] for path in found for at in _slashes(path)}
    splits = 2 * -(-4 * names // (3 * block))
    grown = growth + largest + splits + 2 * len(folders - there)
    return block * (-(-len(packed) // block) + grown + _SLACK_BLOCKS)


def _slashes(path: str) -> list[int]:
    return [at for at, letter in enumerate(path) if letter == "/" and at]


def check_config(content: Content, found: dict[str, str]) -> None:
    """Raises WrongBoard when the configuration wants a bundle or driver that will not be there."""
    if CONFIG not in content.data:
        return
    text = content.data[CONFIG]
    for name in models_of(text):
        path = f"/models/{name}"
        if path not in found and path not in content.data:
            raise WrongBoard(f"the configuration wants the model {name}; add --model {name}")
    there = {path for path in (*found, *content.program) if path.startswith(_DRIVERS)}
    known = {PurePosixPath(path).stem for path in there} - {"__init__"}
    for name in drivers_of(text):
        if name not in known:
            raise WrongBoard(
                f"the configuration wants the driver {name}; there are "
                f"{', '.join(sorted(known))} (copy one of yours to {_DRIVERS} first)"
            )


def plan_for(link: Link, board: Board, content: Content) -> Plan:
    """Check the board and compare. Raises WrongBoard, LinkLost."""
    facts = checks.look(link)
    checks.check(facts, board, link.port)
    found = inventory(link, content)
    manifest = ""
    if MANIFEST in found:
        manifest = link.run(f"with open({MANIFEST!r}) as file: print(file.read())\n")
    wanted = content.for_board(found, manifest)
    check_config(wanted, found)
    plan = make_plan(wanted, found, manifest, facts.block, _INLINE.get(facts.platform, 128))
    plan.kept = content.starting is not None and CONFIG not in wanted.data
    part = int(found[PART].split()[1]) if PART in found else 0
    free = facts.free + part + (int(found[PACK].split()[1]) if PACK in found else 0)
    if not plan.nothing and plan.needed > free:
        raise WrongBoard(
            f"{link.port}: the file system is too full: {plan.needed // 1024} KB needed, "
            f"{free // 1024} KB of {facts.total // 1024} KB free; remove what you no longer "
            "need (mpremote fs ls, fs rm) or deploy with --format, which erases it"
        )
    return plan


def carry_out(link: Link, plan: Plan, step: Step) -> Outcome:
    """Send the pack, check it, put it in place, read everything back. Repeating it is safe.

    step(what, steps done since the last call). Raises WrongBoard, LinkLost, ScriptFailed.
    """
    link.run(f"remove({PACK!r})\n")
    resumed = _resume(link, plan.pack)
    step("sending", resumed)
    for at in range(resumed, len(plan.pack), _PIECE):
        piece = plan.pack[at : at + _PIECE]
        link.run(f"r({base64.b64encode(piece)!r})\n")
        step("sending", len(piece))
    stand_in = script("finish") + _AT_BOOT
    link.run(f"store({STAND_IN!r}, {stand_in.encode()!r})\n")
    wanted = {PART: told(plan.pack), STAND_IN: told(stand_in.encode())}
    found = listing(link.run(f"files({tuple(wanted)!r})\n"))
    if found != wanted:
        link.run(f"remove({PART!r})\n")
        raise WrongBoard(f"{link.port}: the flash returned other bytes than were sent; try again")
    link.run(f"os.rename({PART!r}, {PACK!r})\nos.rename({STAND_IN!r}, {BOOT!r})\n")
    link.run(
        script("finish") + "\ndef told(path):\n feed()\n print(path)\nfinish(told)\n",
        lambda path: step("writing", 1),
    )
    _verify(link, plan)
    return Outcome(plan, len(plan.pack) - resumed, resumed)


def _resume(link: Link, packed: bytes) -> int:
    """How many bytes of the pack an earlier attempt left on the board; what else it left goes."""
    there = listing(link.run(f"files({(PART,)!r})\n"))
    if PART in there:
        size = int(there[PART].split()[1])
        if there[PART] == told(packed[:size]):
            return size
        link.run(f"remove({PART!r})\n")
    return 0


def _verify(link: Link, plan: Plan) -> None:
    """Read every written file back. Raises WrongBoard."""
    found = _listed(link, (*plan.changed, *plan.gone))
    wrong = [path for path, data in plan.changed.items() if found.get(path) != told(data)]
    wrong += [path for path in plan.gone if path in found]
    if wrong:
        raise WrongBoard(f"{link.port}: {wrong[0]} is not as it was sent; run the command again")


def format_board(link: Link, board: Board) -> None:
    """Erase every file of a board that is the right one: a new littlefs. Raises WrongBoard."""
    facts = checks.look(link)
    checks.check(facts, board, link.port, formatted=True)
    link.run("format_littlefs()\n")
