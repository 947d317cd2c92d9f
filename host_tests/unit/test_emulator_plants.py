# SPDX-License-Identifier: Apache-2.0
"""The simulated plants are repeatable and behave as the physics they claim."""

import numpy as np
import pytest

from tools.emulator.plant_motor import LSB, RATE_HZ, Motor
from tools.emulator.plant_press import KINDS, Press, curve
from tools.emulator.plant_room import ColdRoom, Scenario


def velocity_rms(samples):
    """mm/s, 10 to 1000 Hz, of one axis."""
    spectrum = np.fft.rfft((samples - samples.mean()) * LSB)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    band = (hertz >= 10) & (hertz <= 1000)
    peaks = 2 * np.abs(spectrum[band]) / len(samples) / (2 * np.pi * hertz[band])
    return 1000 * np.sqrt((peaks ** 2 / 2).sum())


def kurtosis(samples):
    centred = samples - samples.mean()
    return (centred ** 4).mean() / (centred ** 2).mean() ** 2


def room_day(seed, scenario=None):
    room = ColdRoom(seed, scenario)
    rows = []
    for t in range(0, 86_400, 60):
        room.run_to(t)
        rows.append(room.sample())
    return room, np.array(rows)


def test_motor_is_deterministic_by_seed():
    first = Motor(3).samples(30_000, 512)
    assert np.array_equal(first, Motor(3).samples(30_000, 512))
    assert not np.array_equal(first, Motor(4).samples(30_000, 512))
    assert first.dtype == np.int16 and first.shape == (512, 3)


def test_motor_stands_between_shifts():
    motor = Motor(3)
    noise = motor.samples(44_000, 3200)
    assert 2 < noise[:, 0].std() < 5
    assert abs(noise[:, 2].mean() * LSB - 9.81) < 0.1


def test_healthy_motor_is_smooth_and_in_zone_a():
    samples = Motor(3).samples(30_000, 6400)[:, 0]
    assert 0.3 < velocity_rms(samples) < 1.12
    assert kurtosis(samples) < 3.3


def test_bearing_fault_grows_and_repeats_at_the_outer_race_frequency():
    motor = Motor(3, fault_at_s=30_000)
    spread = [motor.samples(t, 6400)[:, 0].std() for t in (31_000, 40_000, 60_000)]
    assert spread[0] < spread[1] < spread[2]
    samples = motor.samples(60_000, 32_000)[:, 0].astype(float)
    assert kurtosis(samples) > 4
    envelope = np.abs(samples - samples.mean())
    spectrum = np.abs(np.fft.rfft(envelope - envelope.mean()))
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    low = (hertz > 60) & (hertz < 120)
    shaft = 25 * (1 - 0.03 * motor.load(60_000))
    strongest = hertz[low][spectrum[low].argmax()]
    assert strongest == pytest.approx(shaft * 4.5 * (1 - 7.94 / 39.04), rel=0.02)


def test_room_is_deterministic_and_cycles_in_its_band():
    _, first = room_day(5)
    _, second = room_day(5)
    assert np.array_equal(first, second)
    starts = (np.diff(first[:, 3]) == 1).sum()
    assert 40 < starts < 120
    quiet = first[:360]
    calm = quiet[np.convolve(quiet[:, 4], np.ones(60), "same") == 0]
    assert 270 <= calm[:, 0].min() and calm[:, 0].max() <= 560


def test_a_good_day_stays_below_the_limit_for_any_length_of_time():
    for seed in range(6):
        _, day = room_day(seed)
        above = day[:, 0] >= 800
        runs = np.diff(np.flatnonzero(np.diff(np.r_[0, above, 0])))[::2]
        assert runs.max(initial=0) < 30
        assert day[:, 0].min() > 200
        assert (np.diff(day[:, 4]) == 1).sum() in (3, 4)


def test_door_left_open_warms_and_failing_compressor_never_recovers():
    _, day = room_day(5, Scenario(door_left_open=(30_000, 31_500), compressor_fails_at=60_000))
    assert day[500:530, 0].max() > 900
    assert day[501:525, 2].all()
    assert day[1300:, 0].min() > 800
    assert day[1340:, 3].all()


def test_press_curves_differ_by_kind():
    random = np.random.default_rng(1)
    peaks = {kind: np.mean([curve(random, kind).max() for _ in range(20)]) for kind in KINDS}
    assert peaks["short"] < 0.5 * peaks["good"]
    assert peaks["cracked"] < 0.75 * peaks["good"]
    early = {kind: np.mean([curve(random, kind)[28:45].max() for _ in range(20)])
             for kind in KINDS}
    assert early["tilted"] > 1.5 * early["good"]


def test_press_makes_bad_parts_when_told_and_rests_outside_shifts():
    press = Press(1, bad=[(30_000, "tilted")])
    assert press.part(29_990)[0] == "good"
    assert press.part(30_004)[0] == "tilted"
    assert press.part(30_012)[0] == "good"
    assert press.next_start(43_300) == 45_000
    assert press.next_start(80_000) == 86_400 + 21_600
