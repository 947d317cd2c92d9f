# SPDX-License-Identifier: Apache-2.0
"""What belongs on a board: program, configuration, models, data; path on the board -> content."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tocsin import __version__
from tocsin.config.schema import validate
from tocsin.config.strict import ConfigError as StrictError
from tocsin.config.strict import loads
from tools import mpy
from tools.boards.config import Board
from tools.boards.errors import BoardError

MANIFEST = "/deploy.json"
CONFIG = "/config.json"
STARTING = "starting"
BOOT, MAIN = "/boot.py", "/main.py"
_TOO_BIG = 262144
_NOT_SENT = (
    "/lib/tocsin/kernels/viper_",  # in a folder as native code, or no firmware that is accepted
    "/lib/tocsin/kernels/reference.",  # all of them at once: for tools and tests
    "/lib/tocsin/kernels/checked.",  # for programs of one's own: mip brings it
    "/lib/tocsin/config/presets.",  # for the tools
)


@dataclass(frozen=True)
class Content:
    """`program` belongs to this tool, which removes what it put there; `data` is the user's.

    starting: a configuration for a board that has none, or still such a one.
    """

    program: dict[str, bytes]
    data: dict[str, bytes] = field(default_factory=dict)
    starting: bytes | None = None

    def for_board(self, found: dict[str, str], manifest: str) -> "Content":
        """With the starting configuration, unless the board has one of its own."""
        if self.starting is None:
            return self
        listed = {**_manifest(self.program.get(MANIFEST, b"{}")), STARTING: told(self.starting)}
        program = {**self.program, MANIFEST: _packed(listed)}
        own = found.get(CONFIG) not in (None, _manifest(manifest).get(STARTING))
        if own and found[CONFIG] != told(self.starting):
            return Content(program, self.data)
        return Content(program, {**self.data, CONFIG: self.starting})

    def ordered(self) -> dict[str, bytes]:
        """Everything, in the order of writing: boot.py is last, main.py before it."""
        rest = {p: d for p, d in sorted(self.program.items()) if p not in (BOOT, MAIN)}
        ends = {p: self.program[p] for p in (MAIN, BOOT) if p in self.program}
        return {**rest, **self.data, **ends}


def program(board: Board, root: Path = mpy.ROOT) -> dict[str, bytes]:
    """Firmware and library compiled for a board, boot.py, main.py, its pins, the manifest.

    All that a board may ever import, other drivers too: a new configuration needs no deployment.
    """
    tree = mpy.board_files(board.arch, root)
    found = {
        "/" + path.relative_to(tree).as_posix(): path.read_bytes()
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    }
    found = {path: data for path, data in found.items() if not path.startswith(_NOT_SENT)}
    found["/board.json"] = board.content()
    return with_manifest(found, board.id)


def with_manifest(files: dict[str, bytes], board: str) -> dict[str, bytes]:
    """Add the list of these files, from which the next deployment knows what is stale."""
    listed = {"board": board, "version": __version__, "files": sorted(files)}
    return {**files, MANIFEST: _packed(listed)}


def _packed(listed: dict) -> bytes:
    return json.dumps(listed, separators=(",", ":")).encode()


def _manifest(text: str | bytes) -> dict:
    """A board's /deploy.json; empty for none or one that is damaged."""
    try:
        listed = json.loads(text or "{}")
    except ValueError:
        return {}
    return listed if isinstance(listed, dict) else {}


def data(
    board: Board, config: Path | None, models: Sequence[Path], extra: Sequence[Path]
) -> dict[str, bytes]:
    """Configuration as /config.json, bundles and their machine code in /models, others in /.

    Raises BoardError.
    """
    found = {f"/{path.name}": _read(path) for path in extra}
    for path in models:
        if path.suffix not in (".tcb", ".mpy"):
            raise BoardError(f"--model {path}: give a .tcb bundle (or its .mpy, from codegen)")
        found[f"/models/{path.name}"] = _read(path)
    if config is not None:
        found[CONFIG] = checked(_read(config), str(config), board)
    taken = sorted(set(found) & {BOOT, MAIN, MANIFEST, "/board.json"})
    if taken:
        raise BoardError(f"{taken[0]} is a file of Tocsin; give yours another name")
    return found


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BoardError(f"{path} does not exist; check the name") from None
    if len(content) > _TOO_BIG:
        raise BoardError(
            f"{path} has {len(content):,} bytes, more than {_TOO_BIG:,}; copy it with mpremote cp"
        )
    return content


def checked(config: bytes, name: str, board: Board) -> bytes:
    """A configuration that the device will accept and that is for this board.

    Raises BoardError.
    """
    try:
        value = loads(config)
        problems = validate(value)
    except StrictError as error:
        problems = error.problems
    if problems:
        raise BoardError(f"{name}: {problems[0]}")
    wanted = value["device"].get("board")
    if wanted not in (None, board.id):
        raise BoardError(f"{name} is for {wanted} (device.board), not for {board.id}")
    return config


def models_of(config: bytes) -> list[str]:
    """Names of the bundles that a valid configuration wants in /models."""
    pipelines = json.loads(config)["pipelines"].values()
    return sorted({p["model"] for p in pipelines if p.get("model")})


def drivers_of(config: bytes) -> list[str]:
    """Names of the drivers that a valid configuration wants in /firmware/drivers."""
    names = set()
    for pipeline in json.loads(config)["pipelines"].values():
        sensor = pipeline["sensor"]
        parts = sensor.get("sensors") if sensor["driver"] == "several" else None
        parts = [part for part in parts or [] if isinstance(part, dict)]
        names |= {part.get("driver") for part in [sensor, *parts]}
    return sorted(name for name in names if isinstance(name, str))


def outdated(data: dict[str, bytes], found: dict[str, str]) -> set[str]:
    """Generated modules on the board whose bundle is about to be another: they serve no more."""
    gone = set()
    for path, content in data.items():
        there = found.get(path, told(content))
        if path.startswith("/models/") and path.endswith(".tcb") and there != told(content):
            gone |= {_module(path) + end for end in (".mpy", ".py")}
    return gone & set(found)


def told(data: bytes) -> str:
    """How the board lists a file with this content: `SHA-256 size`."""
    return f"{hashlib.sha256(data).hexdigest()} {len(data)}"


def stale(manifest: str, found: dict[str, str], content: Content) -> list[str]:
    """Files to remove: of an earlier deployment, imported in place of ours, or of an old model.

    `manifest` is the board's /deploy.json, `found` path -> SHA-256 of what lies on it.
    """
    earlier = _manifest(manifest).get("files")
    listed = earlier if isinstance(earlier, list) else []
    known = {path for path in listed if isinstance(path, str)}
    ours = content.ordered()
    modules = {_module(path) for path in content.program if path.endswith((".mpy", ".py"))}
    shadows = {p for p in found if p.endswith((".mpy", ".py")) and _module(p) in modules}
    gone = (known & set(found)) | shadows | outdated(content.data, found)
    return sorted(gone - set(ours))


def _module(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))


def summary(files: dict[str, bytes]) -> str:
    return f"{len(files)} files, {sum(map(len, files.values())):,} bytes"
