# SPDX-License-Identifier: Apache-2.0
"""State on a real littlefs: the power fails at each flash operation; the wear of a day."""

from types import SimpleNamespace

from littlefs import LittleFS, UserContext
from littlefs.errors import LittleFSError

from firmware.state import State

BLOCK, COUNT, PROG = 4096, 64, 256
ENDURANCE = 100_000


class Flash(UserContext):
    """Flash that notes what is done to it: [(start, bytes)], an erase as a block of 0xff."""

    def __init__(self, content=None):
        super().__init__(buffsize=BLOCK * COUNT)
        if content is not None:
            self.buffer[:] = content
        self.journal = []
        self.erases = 0

    def prog(self, cfg, block, off, data):
        return self._do(block * cfg.block_size + off, bytes(data))

    def erase(self, cfg, block):
        self.erases += 1
        return self._do(block * cfg.block_size, b"\xff" * cfg.block_size)

    def _do(self, start, data):
        self.journal.append((start, data))
        self.buffer[start:start + len(data)] = data
        return 0


def cuts(content, journal):
    """The flash after a power cut before, in the middle of and after each operation."""
    for done in range(len(journal) + 1):
        left = bytearray(content)
        for start, data in journal[:done]:
            left[start:start + len(data)] = data
        yield bytes(left)
        for start, data in journal[done:done + 1]:
            for part in (1, len(data) // 2, len(data) - 1):
                left[start:start + part] = data[:part]
                yield bytes(left)


class Store:
    """read and replace of firmware.store.Store, on littlefs."""

    def __init__(self, flash, new=False):
        self.disk = LittleFS(flash, mount=False, block_size=BLOCK, block_count=COUNT,
                             prog_size=PROG, read_size=PROG, cache_size=PROG)
        if new:
            self.disk.format()
        self.disk.mount()

    def read(self, name, limit):
        try:
            with self.disk.open(name, "rb") as file:
                return file.read()
        except (OSError, LittleFSError):
            return None

    def replace(self, name, data):
        try:
            with self.disk.open(name + ".new", "wb") as file:
                file.write(data)
            self.disk.rename(name + ".new", name)
        except (OSError, LittleFSError):
            return False
        return True


def app(number):
    """An app whose tripped outputs tell the saves apart; about 1 KB of state."""
    names = [f"output_{i:03d}_{number:06d}" for i in range(40)]
    return SimpleNamespace(
        outputs=SimpleNamespace(latched=lambda: names, all=[]), alarms={}, pipelines={},
        config={"alarms": {}, "pipelines": {}}, clock=SimpleNamespace(uptime_s=lambda: 0))


def test_power_cut_at_each_operation_leaves_old_or_new(record_property):
    flash = Flash()
    state = State(Store(flash, new=True))
    for number in range(5):
        state.save(app(number))
    content = bytes(flash.buffer)
    flash.journal.clear()
    state.save(app(99))
    results, count = set(), 0
    for left in cuts(content, flash.journal):
        again = Flash(left)
        restored = State(Store(again))
        results.add(restored.generation)
        assert restored.generation in (5, 6)
        newest = "000004" if restored.generation == 5 else "000099"
        assert restored._body["tripped"][0].endswith(newest)
        restored.save(app(100))
        assert restored.failed == 0
        assert State(Store(Flash(bytes(again.buffer)))).generation == restored.generation
        count += 1
    assert results == {5, 6}
    assert count > 20
    record_property("cuts", count)


def test_wear_of_a_day(record_property, capsys):
    """1 KB saved 96 times a day, and at most 480 times while alarms chatter."""
    flash = Flash()
    state = State(Store(flash, new=True))
    flash.erases = 0
    for number in range(480):
        state.save(app(number))
    assert state.failed == 0
    each = flash.erases / 480
    record_property("erases_per_save", each)
    years = COUNT * ENDURANCE / (each * 96) / 365
    with capsys.disabled():
        print(f"\nstate: {each:.2f} erases per save of 1 KB; {each * 96:.0f} a day every 15 min, "
              f"{each * 480:.0f} a day at most; {years:.0f} years on {COUNT} free blocks")
    assert each < 4
