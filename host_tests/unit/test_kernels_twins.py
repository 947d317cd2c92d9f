# SPDX-License-Identifier: Apache-2.0
"""The numpy twins equal the reference kernels bit for bit, on random and extreme input."""

import time
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.unit.kernels_signals import batches, frame, window
from tocsin.kernels import fixed, reference
from tocsin.kernels.plan import REMOVE_MEAN, make_plan
from tools.train import twin_kernels as twin

SIZES = st.sampled_from((64, 128, 256, 512, 1024, 2048))
quick = settings(max_examples=25)


@st.composite
def transforms(draw):
    """(frames [length, windows], window table, plan)."""
    n = draw(SIZES)
    length = n if draw(st.booleans()) else draw(st.integers(n // 3, n))
    flags = draw(st.sampled_from((0, REMOVE_MEAN)))
    name = draw(st.sampled_from(("hann", "flattop", "none", "edges")))
    return draw(batches(length)), window(name, length, n), make_plan(n, length, flags)


@quick
@given(transforms())
def test_rfft(case):
    x, coefficients, plan = case
    re, im, exponent = twin.rfft(x, coefficients, twin.Plan(plan))
    work = reference.make_work(plan[0])
    for i in range(x.shape[1]):
        assert reference.rfft(frame(x[:, i]), coefficients, plan, work) == exponent[i]
        assert work[::2].tolist() == re[:, i].tolist()
        assert work[1::2].tolist() == im[:, i].tolist()


@quick
@given(transforms(), st.integers(0, 2**32 - 1))
def test_spectrum_and_its_readers(case, seed):
    x, coefficients, plan = case
    rng = np.random.default_rng(seed)
    bins = plan[0] // 2 + 1
    count = 8
    edges = np.sort(rng.integers(0, bins + 1, (count, 2)), axis=1)
    bands = array("h", [count, *edges.ravel().tolist()])
    lo = int(rng.integers(0, bins))
    hi = int(rng.integers(lo, bins + 1))
    pairs = np.stack([rng.integers(0, 32768, hi - lo), rng.integers(0, 30, hi - lo)], axis=1)
    weights = array("h", [lo, hi - lo, *pairs.ravel().tolist()])
    p, exponent = twin.spectrum(x, coefficients, twin.Plan(plan))
    offset = 256 * exponent + 2048
    expected = (
        twin.band_log2(p, bands, offset),
        twin.weighted_log2(p, weights, offset),
        twin.peak_bin(p, lo, hi),
        twin.centroid(p, lo, hi),
    )
    work = reference.make_work(plan[0])
    out = array("h", bytes(2 * count))
    for i in range(x.shape[1]):
        assert reference.spectrum(frame(x[:, i]), coefficients, plan, work) == exponent[i]
        assert work[:bins].tolist() == p[:, i].tolist()
        reference.band_log2(work, bands, int(offset[i]), out)
        assert out.tolist() == expected[0][:, i].tolist()
        assert reference.weighted_log2(work, weights, int(offset[i])) == expected[1][i]
        assert reference.peak_bin(work, lo, hi) == expected[2][i]
        assert reference.centroid(work, lo, hi) == expected[3][i]


@quick
@given(st.integers(1, 2500).flatmap(batches))
def test_moments(x):
    expected = twin.moments(x)
    out = array("i", bytes(64))
    for i in range(x.shape[1]):
        reference.moments(frame(x[:, i]), x.shape[0], out)
        assert out.tolist() == expected[:, i].tolist()


@quick
@given(st.integers(320, 2048).flatmap(batches), st.integers(0, 6))
def test_teager(x, log_decimation):
    decimation = 1 << log_decimation
    expected, exponent = twin.teager(x, decimation)
    out = array("h", bytes(2 * (x.shape[0] // decimation)))
    for i in range(x.shape[1]):
        assert reference.teager(frame(x[:, i]), decimation, out, x.shape[0]) == exponent[i]
        assert out.tolist() == expected[:, i].tolist()


@quick
@given(st.integers(1, 300).flatmap(batches), st.integers(1, 300))
def test_block_means_and_resample(x, points):
    out = array("h", bytes(2 * points))
    means, stretched = twin.block_means(x, points), twin.resample(x, points)
    for i in range(x.shape[1]):
        reference.block_means(frame(x[:, i]), x.shape[0], out)
        assert out.tolist() == means[:, i].tolist()
        reference.resample(frame(x[:, i]), x.shape[0], out)
        assert out.tolist() == stretched[:, i].tolist()


def test_load_power_stays_small():
    x = np.array([[-32768], [-32767], [0], [32767]], dtype=np.int16)
    work = array("i", bytes(16))
    reference.load_power(frame(x[:, 0]), 4, work)
    assert work.tolist() == [2**30 - 1, 32767**2, 0, 32767**2]
    assert twin.load_power(x)[:, 0].tolist() == work.tolist()


@given(st.integers(0, 2**32 - 1))
def test_scale_quantise_and_project(seed):
    rng = np.random.default_rng(seed)
    n, rows, windows = int(rng.integers(1, 40)), int(rng.integers(1, 9)), 6
    extreme = rng.random() < 0.3
    f = rng.choice((-32768, 32767), (n, windows)) if extreme else rng.integers(
        -32768, 32768, (n, windows)
    )
    f = f.astype(np.int16)
    table = np.stack(
        [rng.integers(-32768, 32768, n), rng.integers(-8191, 8192, n), rng.integers(0, 29, n)], 1
    )
    scaler = array("h", [n, *table.ravel().tolist()])
    quantiser = array("h", [n, int(rng.integers(0, 32768)), int(rng.integers(1, 30)), -128])
    matrix = rng.integers(-262143 // n, 262143 // n + 1, (rows, n)).clip(-32768, 32767)
    shape = array("h", [rows, n, int(rng.integers(0, 29))])
    z = twin.scale(f, scaler)
    q, u = twin.quantize_s8(z, quantiser), twin.matvec(z, matrix, shape)
    one, small, projected = array("h", bytes(2 * n)), array("b", bytes(n)), array("h", bytes(16))
    for i in range(windows):
        reference.scale(frame(f[:, i]), scaler, one)
        assert one.tolist() == z[:, i].tolist()
        reference.quantize_s8(one, quantiser, small)
        assert small.tolist() == q[:, i].tolist()
        reference.matvec(one, array("h", matrix.ravel().tolist()), shape, projected)
        assert projected[:rows].tolist() == u[:, i].tolist()


@given(st.integers(0, 2**32 - 1))
def test_kmeans(seed):
    rng = np.random.default_rng(seed)
    n, k, windows = int(rng.choice((1, 5, 16, 64, 256))), int(rng.integers(1, 9)), 4
    shift = max(0, n.bit_length() - 5)
    values = (-4095, 4095) if rng.random() < 0.3 else np.arange(-4095, 4096)
    z = rng.choice(values, (n, windows)).astype(np.int16)
    c = rng.choice(values, (k, n))
    params = array("i", [k, n, shift, 0, *rng.integers(0, 16385, k).tolist()])
    best, distances = twin.kmeans(z, c, params)
    out = array("i", bytes(4 * k))
    for i in range(windows):
        assert reference.kmeans(frame(z[:, i]), frame(c.ravel()), params, out) == best[i]
        assert out.tolist() == distances[:, i].tolist()
        assert max(out) < 2**30


@given(st.integers(0, 2**32 - 1))
def test_fc_s8(seed):
    rng = np.random.default_rng(seed)
    n_in, n_out, windows = 4 * int(rng.integers(1, 161)), int(rng.integers(1, 12)), 4
    values = (-128, 127) if rng.random() < 0.3 else np.arange(-128, 128)
    x = rng.choice(values, (n_in, windows)).astype(np.int8)
    w = rng.choice(values, (n_out, n_in))
    params = array("i", [n_in, n_out, int(rng.integers(-128, 128)), -128, 127, 0, 0, 0])
    for _ in range(n_out):
        m, shift = int(rng.integers(2**30, 2**31)), int(rng.integers(-29, 3))
        params.extend((int(rng.integers(-(10**6), 10**6)), m >> 16, m & 0xFFFF, shift))
    expected = twin.fc_s8(x, w, params)
    out = array("b", bytes(n_out))
    for i in range(windows):
        weights = array("b", w.ravel().tolist())
        reference.fc_s8(array("b", x[:, i].tolist()), weights, params, out)
        assert out.tolist() == expected[:, i].tolist()


@given(st.integers(-(2**28) + 1, 2**28 - 1), st.integers(2**30, 2**31 - 1), st.integers(-29, 7))
def test_requantize_is_the_rounded_product(acc, m, shift):
    from tocsin.kernels.reference_network import requantize

    acc >>= max(shift, 0)
    exact = (acc * m + (1 << (30 - shift))) >> (31 - shift)
    assert requantize(acc, m >> 16, m & 0xFFFF, shift) == exact


@given(st.lists(st.integers(0, 2**44 - 1), min_size=1, max_size=50))
def test_log2(values):
    ours = twin.log2_q8(np.array(values))
    assert ours.tolist() == [fixed.log2_q8_wide(x >> 15, x & 0x7FFF) for x in values]


def test_extraction_is_fast_enough():
    rng = np.random.default_rng(5)
    x = rng.integers(-3000, 3000, (256, twin.CHUNK)).astype(np.int16)
    plan, coefficients = twin.Plan(make_plan(256, 256, REMOVE_MEAN)), window("hann", 256, 256)
    edges = array("h", [32] + [k for i in range(32) for k in (1 + 4 * i, 5 + 4 * i)])
    best = 1e9
    for _ in range(20):
        start = time.process_time()
        p, exponent = twin.spectrum(x, coefficients, plan)
        twin.band_log2(p, edges, 256 * exponent)
        twin.moments(x)
        best = min(best, time.process_time() - start)
    rate = twin.CHUNK / best
    print(f"{rate:.0f} windows of 256 samples per second")
    assert rate >= 20_000


@pytest.mark.parametrize("n", (63, 32, 96, 4096))
def test_plan_refuses_size(n):
    with pytest.raises(ValueError, match="use a power of two"):
        make_plan(n, 32, 0)
