# SPDX-License-Identifier: Apache-2.0
"""No intermediate value of any kernel leaves MicroPython's small integers, whatever the input."""

from array import array

import numpy as np
import pytest

from host_tests.unit.kernels_signals import KINDS, signal, window
from tocsin.kernels import fixed, reference
from tocsin.kernels.plan import REMOVE_MEAN, make_plan


class Small(int):
    """An int whose operations fail outside -2**30..2**30-1."""


def _checked(name):
    operation = getattr(int, name)

    def method(self, *others):
        value = operation(self, *others)
        if value is NotImplemented:
            return value
        assert -(2**30) <= value < 2**30, f"{name}{(int(self), *map(int, others))} = {value}"
        return Small(value)

    return method


for _name in ["add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "and", "or", "xor"]:
    setattr(Small, f"__{_name}__", _checked(f"__{_name}__"))
    setattr(Small, f"__r{_name}__", _checked(f"__r{_name}__"))
for _name in ("neg", "invert"):
    setattr(Small, f"__{_name}__", _checked(f"__{_name}__"))


def small(values) -> list[Small]:
    return [Small(x) for x in values]


def square_waves(n):
    """Full-scale square waves of every bin, four phases each, and their neighbours of silence."""
    t = np.arange(n)
    for k in range(1, n // 2 + 1):
        for phase in (0.0, 0.4, 0.8, 1.2):
            yield np.where(np.cos(2 * np.pi * k * t / n + phase) < 0, -32768, 32767)


def test_the_check_itself_fails():
    with pytest.raises(AssertionError):
        Small(2**29) << 1


@pytest.mark.parametrize("n", (64, 128, 256, 512, 1024, 2048))
@pytest.mark.parametrize("name", ("none", "edges", "hann"))
def test_spectrum(n, name):
    step = max(1, n // 128)
    frames = [signal(kind, n, seed) for seed in range(2) for kind in KINDS]
    table = small(window(name, n, n))
    for flags in (0, REMOVE_MEAN):
        plan = small(make_plan(n, n, flags))
        for x in frames[flags::step]:
            work = small(bytes(n + 2))
            reference.spectrum(small(x.tolist()), table, plan, work)
            reference.centroid(work, Small(0), Small(n // 2 + 1))
            reference.band_log2(work, small([1, 0, n // 2 + 1]), Small(2048), [0])


def test_square_wave_of_every_bin():
    n = 64
    plan = small(make_plan(n, n, 0))
    for name in ("none", "edges"):
        table = small(window(name, n, n))
        for x in square_waves(n):
            reference.rfft(small(x.tolist()), table, plan, small(bytes(n + 2)))


def test_worst_rotation_of_every_pass():
    """Inputs that line up with one output's conjugate twiddles, the largest growth there is."""
    n = 256
    plan, table = small(make_plan(n, n, 0)), small(window("none", n, n))
    t = np.arange(n)
    for k in range(0, n // 2 + 1, 3):
        wave = np.cos(2 * np.pi * k * t / n) + np.sin(2 * np.pi * (k + 1) * t / n)
        x = np.where(wave < 0, -32768, 32767)
        reference.rfft(small(x.tolist()), table, plan, small(bytes(n + 2)))


@pytest.mark.parametrize("kind", KINDS)
def test_moments_and_teager(kind):
    for n, decimation in ((320, 64), (1024, 1), (2048, 8)):
        x = small(signal(kind, n, 1).tolist())
        reference.moments(x, Small(n), small(bytes(16)))
        reference.teager(x, Small(decimation), small(bytes(n // decimation)), Small(n))
        reference.block_means(x, Small(n), small(bytes(7)))
        reference.resample(x, Small(n), small(bytes(50)))


def test_longest_moments():
    x = small([-32768, 32767] * 16383)
    reference.moments(x, Small(len(x)), small(bytes(16)))


def test_kmeans_at_its_limits():
    for n, shift in ((16, 0), (64, 2), (256, 4)):
        params = small([1, n, shift, 0, 16384])
        reference.kmeans(small([4095] * n), small([-4095] * n), params, small([0]))


def test_fully_connected_at_its_limits():
    for n, shift in ((640, 4), (640, -29), (640, 0)):
        for sign in (1, -1):
            bias = sign * ((1 << 28 - max(shift, 0)) - 1) - sign * n * 16384
            params = small([n, 1, -128, -128, 127, 0, 0, 0, bias, 32767, 65535, shift])
            row = small([-128] * n)
            reference.fc_s8(row, row if sign > 0 else small([127] * n), params, small([0]))


def test_scale_at_its_limits():
    for f, offset, mult in ((-32768, 32767, -8191), (32767, -32768, 8191)):
        for shift in (0, 13, 28):
            reference.scale(small([f]), small([1, offset, mult, shift]), small([0]))
    reference.matvec(small([4095] * 8), small([32767] * 8), small([1, 8, 18]), small([0]))
    reference.quantize_s8(small([4095]), small([1, 32767, 29, 127]), small([0]))


def test_weighted_sum_at_its_limits():
    work = small([2**30 - 1] * 1025)
    weights = small([0, 1025] + [32767, 0] * 1025)
    assert reference.weighted_log2(work, weights, Small(0)) == 30 * 256 + 2560


def test_fixed_point_helpers():
    for x in (0, 1, 2**15, 2**30 - 1):
        fixed.isqrt(Small(x))
        fixed.log2_q8(Small(x))
        fixed.log2_q8_wide(Small(x), Small(32767))
        fixed.norm_mant(Small(x), Small(32767))
        fixed.ratio(Small(x), Small(1), Small(1), Small(x & 32767), Small(16))
        fixed.exp2_q8(Small(x >> 10) - 9000)


def test_array_types_hold_every_result():
    n = 2048
    work = reference.make_work(n)
    plan, table = make_plan(n, n, REMOVE_MEAN), window("none", n, n)
    reference.rfft(array("h", [32767, -32768] * (n // 2)), table, plan, work)
    assert max(abs(x) for x in work) < 2**22
