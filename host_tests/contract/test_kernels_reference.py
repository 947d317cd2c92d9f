# SPDX-License-Identifier: Apache-2.0
"""The reference kernels give the golden vectors on every runtime and allocate nothing."""

import unittest
from array import array

import kernels_cases as cases
import tocsin.kernels
from noalloc import no_allocation, vectors
from tocsin.kernels import fixed, reference
from tocsin.kernels.plan import PlanError, make_plan


class TestGoldenVectors(unittest.TestCase):
    def check(self, part):
        expected = vectors("kernels")[part]
        rows = getattr(cases, part)()
        self.assertEqual(len(rows), len(expected))
        for i in range(len(rows)):
            self.assertEqual(rows[i], expected[i])

    def test_plans_are_the_same_everywhere(self):
        self.check("plans")

    def test_cosines_are_the_same_everywhere(self):
        self.check("cosines")

    def test_spectra(self):
        self.check("spectra")

    def test_samples_in_time(self):
        self.check("times")

    def test_model_kernels(self):
        self.check("model")


class TestNoAllocation(unittest.TestCase):
    """Each kernel runs once before, then under the heap lock."""

    def run_locked(self, kernel, *arguments):
        kernel(*arguments)
        with no_allocation():
            kernel(*arguments)

    def spectrum_of(self, n):
        work = reference.make_work(n)
        window, plan = cases.hann(n, n), make_plan(n, n, 1)
        for kind in cases.FRAMES:
            frame = cases.frame(kind, n)
            self.run_locked(reference.spectrum, frame, window, plan, work)
        return work

    def test_spectrum_of_every_size(self):
        for n in cases.SIZES:
            self.spectrum_of(n)

    def test_rfft_of_the_largest_values(self):
        n = 256
        for name, sign in (("alternating", -1), ("square", 1), ("noise", -1)):
            window = array("h", [32767, sign * 32767] * (n // 2))
            for flags in (0, 1):
                plan, work = make_plan(n, n, flags), reference.make_work(n)
                self.run_locked(reference.rfft, cases.frame(name, n), window, plan, work)

    def test_readers_of_the_spectrum(self):
        work = self.spectrum_of(64)
        edges, out = array("h", [2, 0, 33, 4, 9]), array("h", bytes(4))
        self.run_locked(reference.band_log2, work, edges, 5000, out)
        self.run_locked(reference.weighted_log2, work, array("h", [1, 2, 9, 0, 8, 1]), 99)
        self.run_locked(reference.peak_bin, work, 0, 33)
        self.run_locked(reference.centroid, work, 0, 33)
        self.run_locked(reference.load_power, cases.frame("lowest", 64), 33, work)

    def test_samples_in_time(self):
        n = 320
        raw, envelope, points = array("i", bytes(64)), array("h", bytes(80)), array("h", bytes(66))
        for kind in cases.FRAMES:
            x = cases.frame(kind, n)
            self.run_locked(reference.moments, x, n, raw)
            self.run_locked(reference.teager, x, 8, envelope, n)
            self.run_locked(reference.block_means, x, n, points)
            self.run_locked(reference.resample, x, n, points)
        spec = array("h", [3, 20, 1])
        self.run_locked(reference.deinterleave, x, 2, spec, cases.frame("noise", n))

    def test_model_kernels(self):
        z, u = array("h", [4095] * 16), array("h", bytes(32))
        row = array("h", [-4095] * 16)
        self.run_locked(reference.scale, row, array("h", [2, 32767, -8191, 3, 0, 8191, 28]), u)
        self.run_locked(reference.matvec, z, row, array("h", [1, 16, 18]), u)
        clusters, distance = array("i", [1, 16, 0, 0, 16384]), array("i", bytes(4))
        self.run_locked(reference.kmeans, z, row, clusters, distance)
        x, y = array("b", [-128] * 16), array("b", bytes(1))
        self.run_locked(reference.quantize_s8, z, array("h", [16, 32767, 29, 127]), x)
        for shift in (-29, -9, 0, 4):
            acc = (1 << (28 - max(shift, 0))) - 1 - 16 * 16384
            params = array("i", [16, 1, -128, -128, 127, 0, 0, 0, acc, 32767, 65535, shift])
            self.run_locked(reference.fc_s8, x, x, params, y)

    def test_fixed_point(self):
        self.run_locked(fixed.ratio, 1 << 28, 5, 0, 3, 16)
        self.run_locked(fixed.log2_q8_wide, (1 << 30) - 1, 5)
        self.run_locked(fixed.exp2_q8, 7679)
        self.run_locked(fixed.isqrt, (1 << 30) - 1)


class TestEdges(unittest.TestCase):
    def test_a_constant_frame_has_no_spectrum(self):
        n = 64
        work = reference.make_work(n)
        plan = make_plan(n, n, 1)
        reference.spectrum(cases.frame("constant", n), cases.hann(n, n), plan, work)
        self.assertEqual(max(work[: n // 2 + 1]), 0)
        out = array("h", [5])
        reference.band_log2(work, array("h", [1, 0, 33]), 9000, out)
        self.assertEqual(out[0], 0)
        self.assertEqual(reference.centroid(work, 0, 33), 0)

    def test_plan_refuses_what_it_cannot_do(self):
        refused = ((100, 64, 0), (64, 65, 0), (64, 0, 0), (64, 64, 2), (4096, 64, 0))
        for n, length, flags in refused:
            with self.assertRaises(PlanError):
                make_plan(n, length, flags)

    def test_samples_beyond_the_length_have_no_effect(self):
        n, length = 128, 100
        plan, window = make_plan(n, length, 1), cases.hann(length, n)
        work, other = reference.make_work(n), reference.make_work(n)
        x = cases.frame("noise", n)
        first = reference.rfft(x, window, plan, work)
        for i in range(length, n):
            x[i] = -32768
        self.assertEqual(reference.rfft(x, window, plan, other), first)
        self.assertEqual(list(work), list(other))


class TestSelection(unittest.TestCase):
    def test_every_kernel_is_there(self):
        names = ("reference", "viper", "thumb", "xtensa", "rv32", "ulab")
        self.assertTrue(tocsin.kernels.BACKEND in names)
        for name in reference.__all__:
            self.assertTrue(callable(getattr(tocsin.kernels, name)))

    def test_without_native_code_the_reference_serves(self):
        if tocsin.kernels.BACKEND != "reference":
            self.skipTest("this runtime has native code")
        self.assertTrue(tocsin.kernels.rfft is reference.rfft)


if __name__ == "__main__":
    unittest.main()
