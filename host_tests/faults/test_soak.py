# SPDX-License-Identifier: Apache-2.0
"""Memory stays flat: minutes of the day that soak.py runs, and hours on real MicroPython."""

import re

import pytest

from host_tests.faults.soak import grown, soak
from host_tests.micropython import wasm

_APP = """
import gc, json
from test_firmware_app import *

class Flash(MemoryStore):
    # what is appended leaves the memory, as it does on a board
    def append(self, name, line, max_bytes, files=1):
        self.appended = getattr(self, "appended", 0) + 1
        return True

config = configuration()
config["pipelines"]["motor"]["schedule"] = {"every_s": 60, "windows": 8}
scheduler = Scheduler()
clock = Clock(scheduler, scheduler, 3)
store = Flash({"config.json": json.dumps(config).encode(),
               "models/motor.tcb": binascii.unhexlify(GOLDEN["bundle"])})
drivers = {
    "slow": lambda settings, clock, store, hardware: Replay(
        clock, TEMPERATURE, 17, array("h", GOLDEN["temperature"]), loop=True),
    "fast": lambda settings, clock, store, hardware: Replay(
        clock, [GOLDEN["channel"]], GOLDEN["rate_mhz"], array("h", GOLDEN["vibration"]),
        loop=True)}
app = App(clock, store, Machine, drivers, echo=None)
scheduler.create_task(app.run())
scheduler.run(50 * 60 * 1000)
for _ in range(40):
    app.log.add("info", 80 * "x")
scheduler.run(3600 * 1000)
"""


def test_half_an_hour_of_windows_keeps_nothing(tmp_path):
    result = soak(tmp_path, 0.4, 0.2)
    first, last = result["held"][0], result["held"][-1]
    size, types = grown(result)
    print(first["windows"], last["windows"], size, types)
    assert last["windows"] - first["windows"] >= 90
    assert size <= 2048, size
    assert sum(types.values()) <= 20, types
    assert result["seen"] == {"boot": 1, "pin0": 1, "pin1": 1}   # off at power-up, then energised
    assert last["failures"] == 0 and last["problems"] == []


@pytest.mark.skipif(bool(wasm.missing()), reason=wasm.missing() or "")
def test_hours_on_real_micropython_keep_nothing(record_property):
    steps = [_APP]
    for hour in range(1, 7):
        steps += ["gc.collect()", "print('heap', gc.mem_alloc(), app.pipelines['motor'].windows, "
                  "store.appended, app.health.task_failures)",
                  f"scheduler.run({hour + 1} * 3600 * 1000)"]
    exit_code, output = wasm.run(*steps[:-1], "exit_code = 0", form="mpy")
    assert exit_code == 0, output
    found = [tuple(map(int, line)) for line in
             re.findall(r"heap (\d+) (\d+) (\d+) (\d+)", output)]
    print(found)
    record_property("heap", found)
    assert [windows for _, windows, _, _ in found] == [480 * hour + 8 for hour in range(1, 7)]
    assert found[-1][2] > found[0][2] and found[-1][3] == 0
    heaps = [heap for heap, _, _, _ in found]
    assert max(heaps) - heaps[0] <= 512
