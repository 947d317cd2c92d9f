# SPDX-License-Identifier: Apache-2.0
"""State on a real littlefs: the power fails at each flash operation; the wear of a day."""

from types import SimpleNamespace

from littlefs import LittleFS, UserContext
from littlefs.errors import LittleFSError

from firmware.state import State

BLOCK, COUNT, PROG = 4096, 64, 256
ENDURANCE = 100_000


class Flash(UserContext):
    """Flash whose power fails in the operation number `cut`, half done."""

    def __init__(self, content=None):
        super().__init__(buffsize=BLOCK * COUNT)
        if content is not None:
            self.buffer[:] = content
        self.operations = self.erases = 0
        self.cut = -1
        self.dead = False

    def prog(self, cfg, block, off, data):
        start = block * cfg.block_size + off
        if self._fails():
            half = len(data) // 2
            self.buffer[start:start + half] = data[:half]
            return -5
        self.buffer[start:start + len(data)] = data
        return 0

    def erase(self, cfg, block):
        start = block * cfg.block_size
        if self._fails():
            self.buffer[start:start + cfg.block_size // 2] = b"\xff" * (cfg.block_size // 2)
            return -5
        self.erases += 1
        self.buffer[start:start + cfg.block_size] = b"\xff" * cfg.block_size
        return 0

    def _fails(self):
        self.dead = self.dead or self.operations == self.cut
        self.operations += 1
        return self.dead


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
    done, cut, results = False, 0, set()
    while not done:
        broken = Flash(content)
        state = State(Store(broken))
        broken.operations, broken.cut = 0, cut
        state.save(app(99))
        done = not broken.dead
        again = Flash(bytes(broken.buffer))
        restored = State(Store(again))
        results.add(restored.generation)
        assert restored.generation in (5, 6)
        assert restored._body["tripped"][0].endswith("000004" if restored.generation == 5
                                                     else "000099")
        restored.save(app(100))
        assert restored.failed == 0
        assert State(Store(Flash(bytes(again.buffer)))).generation == restored.generation
        cut += 1
    assert results == {5, 6}
    assert cut > 5
    record_property("cuts", cut)


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
