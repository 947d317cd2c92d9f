# SPDX-License-Identifier: Apache-2.0
"""The script that puts a pack in place: the power goes at every single file operation."""

import io
import os
import random
import struct
import sys
import types
import zlib
from pathlib import Path

import pytest

from tools.boards import pack
from tools.boards.link import script


class PowerCut(BaseException):
    """Not an Exception: nothing on the board can catch it."""


class Flash:
    """The board's `os` and `open` on a folder; goes dark at the `cut`-th change."""

    def __init__(self, root: Path, cut: int | None = None):
        self.root, self.cut, self.changes = root, cut, 0

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def change(self) -> None:
        self.changes += 1
        if self.cut is not None and self.changes > self.cut:
            raise PowerCut

    def open(self, path, mode="r"):
        if mode != "wb":
            return open(self.at(path), mode)
        if not self.at(path).parent.is_dir():
            raise OSError(2)
        self.change()
        return _Writer(self, self.at(path))

    def stat(self, path):
        return (0,) * 6 + (self.at(path).stat().st_size,)

    def __getattr__(self, name):
        if name not in ("mkdir", "rename", "remove", "rmdir"):
            raise AttributeError(name)

        def act(*paths):
            self.change()
            do = os.replace if name == "rename" else getattr(os, name)
            do(*(self.at(path) for path in paths))

        return act


class _Writer:
    """A file that littlefs keeps only when it is closed; each write may be the last."""

    def __init__(self, flash: Flash, path: Path):
        self._flash, self._path, self._data = flash, path, bytearray()

    def write(self, data):
        self._flash.change()
        self._data += data

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._flash.change()
            self._path.write_bytes(self._data)


def deflate_module():
    class DeflateIO:
        def __init__(self, stream, kind, bits):
            assert (kind, bits) == (1, 13)
            self._data = zlib.decompress(stream.read(), -13)

        def __enter__(self):
            return io.BytesIO(self._data)

        def __exit__(self, *_):
            pass

    module = types.ModuleType("deflate")
    module.RAW, module.DeflateIO = 1, DeflateIO
    return module


def finish(flash, monkeypatch):
    """Run the script as the board does; returns the paths that it told."""
    monkeypatch.setitem(sys.modules, "deflate", deflate_module())
    monkeypatch.setitem(sys.modules, "os", flash)
    space: dict[str, object] = {"open": flash.open}
    try:
        exec(compile(script("finish"), "finish.py", "exec"), space)
    finally:
        monkeypatch.undo()
    told: list[str] = []
    space["finish"](told.append)  # type: ignore[operator]
    return told


def tree(root):
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {"/" + path.relative_to(root).as_posix(): path.read_bytes() for path in files}


OLD = {"/boot.py": b"stand-in", "/a/b/c.py": b"old", "/gone/x.py": b"x", "/same.py": b"same"}
NEW = {"/a/b/c.py": b"new" * 4000, "/a/d.py": b"", "/same.py": b"same", "/boot.py": b"real"}


def fresh(root: Path) -> Path:
    for path, data in OLD.items():
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).write_bytes(data)
    (root / "deploy.pack").write_bytes(pack.build(NEW, ["/gone/x.py", "/never/was.py"]))
    return root


def test_everything_is_in_place_and_empty_folders_are_gone(tmp_path, monkeypatch):
    told = finish(Flash(fresh(tmp_path)), monkeypatch)
    assert tree(tmp_path) == NEW
    assert told[-1] == "/boot.py" and set(told) == {*NEW, "/gone/x.py", "/never/was.py"}
    assert not (tmp_path / "gone").exists()


def test_the_power_goes_at_every_change_and_again_in_the_next_boot(tmp_path, monkeypatch):
    whole = Flash(fresh(tmp_path / "whole"))
    finish(whole, monkeypatch)
    assert whole.changes > 12
    for cut in range(whole.changes):
        for second in (None, 0, 1, 3, 5):
            root = fresh(tmp_path / f"{cut}-{second}")
            with pytest.raises(PowerCut):
                finish(Flash(root, cut), monkeypatch)
            if (root / "boot.py").read_bytes() == b"stand-in":
                assert (root / "deploy.pack").is_file(), "the next boot can go on"
            try:
                finish(Flash(root, second), monkeypatch)
            except PowerCut:
                finish(Flash(root), monkeypatch)
            found = tree(root)
            found.pop("/deploy.pack", None) if found["/boot.py"] == b"real" else None
            assert {p: d for p, d in found.items() if not p.endswith(".new")} == NEW


def test_files_in_place_are_not_written_again(tmp_path, monkeypatch):
    finish(Flash(fresh(tmp_path)), monkeypatch)
    (tmp_path / "deploy.pack").write_bytes(pack.build(NEW))
    again = Flash(tmp_path)
    finish(again, monkeypatch)
    assert again.changes == 1, "only the pack goes"


def test_a_pack_cut_short_is_an_error(tmp_path, monkeypatch):
    root = fresh(tmp_path)
    whole = (root / "deploy.pack").read_bytes()
    (length,) = struct.unpack_from("<H", whole)
    (root / "deploy.pack").write_bytes(whole[: 2 + length])
    with pytest.raises(ValueError, match="cut short"):
        finish(Flash(root), monkeypatch)


@pytest.mark.parametrize("seed", range(20))
def test_any_files_survive_the_pack(seed, tmp_path, monkeypatch):
    rng = random.Random(seed)
    files = {}
    for i in range(rng.randrange(1, 40)):
        size = rng.choice((0, 1, 30, pack.BLOCK - 40, pack.BLOCK, pack.BLOCK + 1, 30000))
        data = rng.randbytes(size) if rng.random() < 0.5 else bytes(size)
        files[f"/f{i}/{'x' * rng.randrange(1, 60)}.py"] = data
    (tmp_path / "deploy.pack").write_bytes(pack.build(files))
    finish(Flash(tmp_path), monkeypatch)
    assert tree(tmp_path) == files


def test_the_pack_is_reproducible_and_smaller():
    text = Path(pack.__file__).read_bytes() * 8
    packed = pack.build({"/x.py": text})
    assert packed == pack.build({"/x.py": text})
    assert len(packed) < len(text) / 2
