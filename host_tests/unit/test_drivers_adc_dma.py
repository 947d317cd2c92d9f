# SPDX-License-Identifier: Apache-2.0
"""The continuous ADC: DMA ring against the registers of ADC and DMA."""

import sys
from types import SimpleNamespace

import pytest

from firmware import adc_ring
from host_tests.unit.slow_rig import Rig
from tools.emulator import standin_system
from tools.emulator.chips.rp2_adc import BASE, CS, DIV, FCS


@pytest.fixture
def rig(monkeypatch, tmp_path):
    r = Rig()
    for name, module in standin_system.build_port(r.board, tmp_path).items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys.implementation, "_machine", "Raspberry Pi Pico with RP2040",
                        raising=False)
    r.adc = r.board.rp2_adc
    r.adc.sample = lambda number, index: index % 1021 * 4 + number
    return r


def check(samples, width=1):
    """Each sample follows the one before; returns the first's index (modulo 1021)."""
    first = samples[0] // 4
    for i, value in enumerate(samples):
        assert value == (first + i) % 1021 * 4 + i % width, f"sample {i}"
    return first


@pytest.mark.parametrize("pins", [[26], [26, 27], [26, 27, 28], [26, 27, 28, 29]])
def test_three_seconds_at_20_khz_in_all_lose_nothing(rig, pins):
    width = len(pins)
    driver = rig.make("adc_dma", {"pins": pins})
    assert driver.rate_mhz == pytest.approx(20_000_000 // width, rel=1e-3)
    samples = []
    while len(samples) < 60_000:
        samples += rig.raw(128)
    assert check(samples, width) == 0
    assert driver.dropped == 0
    assert rig.now_us() == pytest.approx(3e6, abs=30_000)


def test_registers(rig):
    rig.make("adc_dma", {"pins": [27]})
    rig.raw(128)
    memory = rig.adc
    assert memory[BASE + DIV] == 2399 << 8
    assert memory[BASE + CS] & 0x1F700F == 0x1009       # input 1, start many, enabled
    assert memory[BASE + FCS] & 0x0F00000F == 0x01000009


def test_volts(rig):
    driver = rig.make("adc_dma", {"pins": [26], "points": [[1.65, 0], [2.65, 30]],
                                  "units": ["A"]})
    rig.adc.sample = lambda number, index: 2048 + 1241
    channel = driver.channels[0]
    value = rig.raw(128)[0] * channel["scale"] + channel["offset"]
    assert value == pytest.approx(30, abs=0.01)


def test_busy_processor_is_no_loss_within_the_ring(rig):
    driver = rig.make("adc_dma", {"pins": [26]})
    samples = rig.raw(128)
    rig.board.clock.now_us += 190_000       # nothing ran, not even an interrupt
    for _ in range(60):
        samples += rig.raw(128)
    check(samples)
    assert driver.dropped == 0


@pytest.mark.parametrize("pins", [[26], [26, 27, 28]])
def test_overrun_is_counted_exactly_and_the_block_begins_behind_it(rig, pins):
    width = len(pins)
    driver = rig.make("adc_dma", {"pins": pins})
    rig.adc.sample = lambda number, index: index % 4001
    samples = rig.raw(128)
    rig.board.clock.now_us += 1_000_000
    behind = rig.raw(128)
    missing = (behind[0] - samples[-1] - 1) % 4001
    assert driver.dropped > 0
    assert (driver.dropped * width) % 4001 == missing
    assert driver.dropped * width == pytest.approx(20_000, abs=500)
    lost = driver.dropped
    for _ in range(50):
        behind += rig.raw(128)
    assert all((b - a) % 4001 == 1 for a, b in zip(behind, behind[1:]))
    assert driver.dropped == lost


def test_both_channels_take_turns_without_a_gap(rig, monkeypatch):
    monkeypatch.setattr(adc_ring, "_COUNT", 8192)
    driver = rig.make("adc_dma", {"pins": [26]})
    samples = []
    while len(samples) < 100_000:
        samples += rig.raw(128)
    check(samples)
    assert driver.dropped == 0


def test_stopped_it_writes_to_no_memory(rig):
    driver = rig.make("adc_dma", {"pins": [26]})
    check(rig.raw(128))
    rig.hardware.close()
    before = bytes(driver._ring._ring)
    rig.sleep(1000)
    rig.adc.advance()
    assert bytes(driver._ring._ring) == before
    assert not any(channel.busy for channel in rig.adc.channels.values())
    assert check(rig.raw(128)) == 0         # and starts afresh
    assert driver.dropped == 0


@pytest.mark.parametrize(("fault", "message"), [
    ("stopped", "the ADC does not run"), ("stall", "faster than the DMA")])
def test_fault_is_told_and_goes_with_its_cause(rig, fault, message):
    rig.make("adc_dma", {"pins": [26]})
    rig.raw(128)
    setattr(rig.adc, fault, True)
    with pytest.raises(OSError, match=message):
        for _ in range(3):
            rig.raw(128)
    setattr(rig.adc, fault, False)
    check(rig.raw(128))


@pytest.mark.parametrize("pins", [[26], [26, 27]])
def test_somebody_else_using_the_adc_is_noticed(rig, pins):
    rig.make("adc_dma", {"pins": pins})
    rig.raw(128)
    rig.adc[BASE + CS] = 0x4009             # another input, no round robin
    with pytest.raises(OSError, match="somebody else used the ADC"):
        for _ in range(2):
            rig.raw(128)
    check(rig.raw(128), len(pins))


def test_dma_that_stopped_is_noticed(rig):
    rig.make("adc_dma", {"pins": [26]})
    rig.raw(128)
    for channel in rig.adc.channels.values():
        channel.busy = False
    with pytest.raises(OSError, match="the DMA stopped"):
        for _ in range(2):
            rig.raw(128)
    check(rig.raw(128))


def test_adc_belongs_to_one(rig):
    rig.make("adc_dma", {"pins": [26]})
    with pytest.raises(ValueError, match="belongs to a sensor that samples by DMA"):
        rig.make("adc", {"pins": [27]})
    other = Rig()
    other.board.adc[26] = lambda: 0
    other.make("adc", {"pins": [26]})
    with pytest.raises(ValueError, match="the ADC is used by another sensor"):
        other.make("adc_dma", {"pins": [27]})


def test_rp2350_has_other_addresses(rig, monkeypatch):
    seen = []

    class Memory:
        def __getitem__(self, address):
            seen.append(address)
            return 0x100 if address & 0xFF == 0 else 0

        def __setitem__(self, address, value):
            seen.append(address)

    monkeypatch.setattr(sys.implementation, "_machine", "Raspberry Pi Pico 2 with RP2350")
    machine = SimpleNamespace(mem32=Memory(), ADC=lambda pin: None, Pin=lambda number: number)
    ring = adc_ring.AdcRing(machine, [26], 20_000)
    ring.start()
    assert {address >> 8 for address in seen} == {0x400A00}
    assert [c.field("treq_sel") for c in rig.adc.channels.values()] == [48, 48]


@pytest.mark.parametrize(("settings", "message"), [
    ({"pins": [25]}, "pins must be some of 26, 27, 28, 29, ascending"),
    ({"pins": [27, 26]}, "pins must be some of 26, 27, 28, 29, ascending"),
    ({"pins": [26, 27], "rate_hz": 60_000}, "rate_hz must be 1000 to 50000, not 60000"),
])
def test_wrong_settings_are_named(rig, settings, message):
    with pytest.raises(ValueError, match=message):
        rig.make("adc_dma", settings)
