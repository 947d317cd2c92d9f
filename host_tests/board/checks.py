# SPDX-License-Identifier: Apache-2.0
"""A backend on an emulated processor against the reference, on random and extreme inputs.

Each function compares `count` inputs of its kernels; the first difference is an AssertionError.
"""

from array import array
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from host_tests.unit.kernels_signals import KINDS, frame, signal, window
from tocsin.kernels import reference
from tocsin.kernels.plan import REMOVE_MEAN, make_plan


def empty(kind: str, n: int) -> array:
    """An array that no kernel finds zeroed."""
    return array(kind, [85] * n)


def both(kernels: SimpleNamespace, name: str, make: Callable[[], array], *arguments: object):
    """Call the reference and the backend with equal arrays; returns their common result.

    None among the arguments stands for the output that `make` makes.
    """
    results = []
    for backend in (reference, kernels):
        own = [array(x.typecode, x) if isinstance(x, array) else x for x in arguments]
        out = make()
        own[own.index(None)] = out
        results.append((getattr(backend, name)(*own), out.tolist()))
    expected, found = results
    assert found[1] == expected[1], name
    assert found[0] == expected[0] or expected[0] is None, name
    return expected


def spectrum(kernels: SimpleNamespace, n: int, count: int, seed: int = 0) -> None:
    """rfft and spectrum of n points, with and without mean, whole and padded."""
    rng = np.random.default_rng([n, seed])
    for i in range(count):
        x = frame(signal(KINDS[i % len(KINDS)], n, seed + i))
        length = n if i % 3 else int(rng.integers(n // 2, n))
        table = window(("hann", "none", "edges", "flattop")[i % 4], length, n)
        plan = make_plan(n, length, REMOVE_MEAN if i % 5 else 0)
        both(kernels, "rfft", lambda: empty("i", n + 2), x, table, plan, None)
        if i % 2:
            both(kernels, "spectrum", lambda: empty("i", n + 2), x, table, plan, None)


def short_frames(kernels: SimpleNamespace, length: int) -> None:
    """What lies behind the frame's `length` samples has no effect."""
    for n in (64, 128):
        x = array("h", [-32768, 32767, 5, -3] * (n // 4))
        plan = make_plan(n, length, REMOVE_MEAN)
        table = window("edges", length, n)
        both(kernels, "spectrum", lambda n=n: empty("i", n + 2), x, table, plan, None)


def readers(kernels: SimpleNamespace, count: int, seed: int = 0) -> None:
    """What reads a spectrum."""
    rng = np.random.default_rng([1, seed])
    for i in range(count):
        bins = int(rng.integers(1, 200))
        bits = rng.integers(0, 31, bins)
        p = array("i", (rng.integers(0, 2**30, bins) >> bits).tolist())
        if i % 10 == 0:
            p = array("i", [(0, 1, 2**30 - 1)[i // 10 % 3]] * bins)
        lo = int(rng.integers(0, bins))
        hi = int(rng.integers(lo, bins + 1))
        bands = int(rng.integers(1, 9))
        edges = array("h", [bands])
        for pair in np.sort(rng.integers(0, bins + 1, (bands, 2)), axis=1):
            edges.extend(pair.tolist())
        weights = array("h", [lo, hi - lo])
        for _ in range(hi - lo):
            weights.extend((int(rng.integers(0, 32768)), int(rng.integers(0, 30))))
        offset = int(rng.integers(-9000, 9000))
        both(kernels, "band_log2", lambda n=bands: empty("h", n), p, edges, offset, None)
        for name, arguments in (
            ("weighted_log2", (p, weights, offset)),
            ("peak_bin", (p, lo, hi)),
            ("centroid", (p, lo, hi)),
        ):
            assert getattr(kernels, name)(*arguments) == getattr(reference, name)(*arguments), name


def times(kernels: SimpleNamespace, count: int, seed: int = 0) -> None:
    """What reads samples."""
    rng = np.random.default_rng([2, seed])
    for i in range(count):
        n = int(rng.integers(64, 160))
        x = frame(signal(KINDS[i % len(KINDS)], n, seed + i))
        both(kernels, "moments", lambda: empty("i", 16), x, n, None)
        decimation = 1 << int(rng.integers(0, 4))
        both(kernels, "teager", lambda n=n // decimation: empty("h", n), x, decimation, None, n)
        points = int(rng.integers(1, 40))
        part = int(rng.integers(1, n + 1))
        both(kernels, "block_means", lambda n=points: empty("h", n), x, part, None)
        both(kernels, "resample", lambda n=points: empty("h", n), x, part, None)
        both(kernels, "load_power", lambda n=n: empty("i", n), x, n, None)
        step = int(rng.integers(1, 5))
        spec = array("h", [step, n // step, int(rng.integers(0, 5))])
        start = int(rng.integers(0, step))
        spec[1] = (n - start + step - 1) // step
        both(kernels, "deinterleave", lambda n=n: empty("h", n + 5), x, start, spec, None)


def statistics(kernels: SimpleNamespace, count: int, seed: int = 0) -> None:
    """Every statistic of samples, and single numbers."""
    rng = np.random.default_rng([5, seed])
    for i in range(count):
        n = int(rng.integers(1, 300))
        if i % 2:
            x = frame(signal(KINDS[i % len(KINDS)], n, seed + i))
        else:
            spread = int(rng.integers(0, 32769) >> rng.integers(0, 16)) + 1
            middle = int(rng.integers(spread - 32768, 32768 - spread + 1))
            x = array("h", rng.integers(middle - spread, middle + spread, n).tolist())
        raw = array("i", bytes(64))
        reference.moments(x, n, raw)
        table = array("h", [10])
        for kind in rng.permutation(10).tolist():
            table.extend((kind, kind, int(rng.integers(0 if kind == 0 else -1, 9))))
        both(kernels, "statistics", lambda: empty("h", 11), raw, table, None)
        top = int(rng.integers(0, 1 << 30)) >> int(rng.integers(0, 31))
        assert kernels.isqrt(top) == reference.isqrt(top)
        start = int(rng.integers(0, 5))
        both(kernels, "widen", lambda n=n: empty("i", n + 9), x, n, None, start)


def models(kernels: SimpleNamespace, count: int, seed: int = 0) -> None:
    """Feature vectors."""
    rng = np.random.default_rng([3, seed])
    for i in range(count):
        n, k = int(rng.integers(1, 40)), int(rng.integers(1, 9))
        extreme = i % 4 == 0
        f = array("h", rng.choice((-32768, 32767), n).tolist() if extreme else
                  rng.integers(-32768, 32768, n).tolist())
        scaler = array("h", [n])
        for _ in range(n):
            scaler.extend(
                (int(rng.integers(-32768, 32768)), int(rng.integers(-8191, 8192)),
                 int(rng.integers(0, 29)))
            )
        _, z = both(kernels, "scale", lambda n=n: empty("h", n), f, scaler, None)
        z = array("h", z)
        centroids = array("h", rng.choice((-4095, 4095), n * k).tolist() if extreme else
                          rng.integers(-4095, 4096, n * k).tolist())
        clusters = array("i", [k, n, 2, 0, *rng.integers(0, 16385, k).tolist()])
        both(kernels, "kmeans", lambda k=k: empty("i", k), z, centroids, clusters, None)
        quantiser = array("h", [n, int(rng.integers(0, 32768)), int(rng.integers(1, 30)), -7])
        both(kernels, "quantize_s8", lambda n=n: empty("b", n), z, quantiser, None)
        q = array("b", rng.integers(-128, 128, n).tolist())
        mult, shift = int(rng.integers(0, 32768)), int(rng.integers(1, 23))
        back = array("h", [n, mult, shift, i % 256 - 128])
        both(kernels, "dequantize_s8", lambda n=n: empty("h", n), q, back, None)
        limit = min(262143 // n, 32767)
        matrix = array("h", rng.integers(-limit, limit + 1, n * k).tolist())
        shape = array("h", [k, n, int(rng.integers(0, 19))])
        both(kernels, "matvec", lambda k=k: empty("h", k), z, matrix, shape, None)


def network(kernels: SimpleNamespace, count: int, seed: int = 0) -> None:
    """int8 layers."""
    rng = np.random.default_rng([4, seed])
    for i in range(count):
        n_in, n_out = 4 * int(rng.integers(1, 20)), int(rng.integers(1, 9))
        values = (-128, 127) if i % 4 == 0 else np.arange(-128, 128)
        x = array("b", rng.choice(values, n_in).tolist())
        w = array("b", rng.choice(values, n_in * n_out).tolist())
        params = array("i", [n_in, n_out, int(rng.integers(-128, 128)), -128, 127, 0, 0, 0])
        for _ in range(n_out):
            m = int(rng.integers(2**30, 2**31))
            bias = int(rng.integers(-(10**6), 10**6))
            params.extend((bias, m >> 16, m & 0xFFFF, int(rng.integers(-29, 4))))
        both(kernels, "fc_s8", lambda n=n_out: empty("b", n), x, w, params, None)
        sums = array("H", rng.integers(0, 65536, 6).tolist())
        words = n_in * n_out // 4 - i % 3
        reference.check_words(w, words, sums, 2)
        sums[2:4] = sums[:2]
        sums[4:] = array("H", [sums[0] ^ i % 2, sums[1] ^ i % 3])
        own = array("H", sums)
        for at, differs in ((1, 0), (2, int(i % 6 != 0))):
            own[0] = own[1] = 85
            assert reference.check_words(w, words, sums, at) == differs
            assert kernels.check_words(w, words, own, at) == differs, "check_words"
            assert own == sums, "check_words"
