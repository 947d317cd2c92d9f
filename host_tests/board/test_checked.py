# SPDX-License-Identifier: Apache-2.0
"""Wrong arrays and counts never reach native code; what does reach it stays inside its arrays.

The kernels of tocsin.kernels.checked lead here to machine code on emulated processors. On the
Cortex-M33 each load and store is watched.
"""

import random
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unicorn import UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE

import tocsin.kernels
from host_tests.board import machine, native_modules
from host_tests.board.cortex_m33 import CortexM33
from tocsin.kernels import checked, reference
from tocsin.kernels.arrays import ArrayError
from tocsin.kernels.plan import REMOVE_MEAN, make_plan

NAMES = tuple(sorted(checked.SIGNATURES))
OTHER = {"h": "Hbif", "i": "Ihbf", "b": "Bhi", "H": "hi"}


class Watched(CortexM33):
    """Stops code that reads or writes beside the arrays it was given."""

    def __init__(self):
        super().__init__()
        self.beside = 0
        self.core.hook_add(UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, self._look)

    def _look(self, core, kind, at, size, value, data):
        if self.heap[0] <= at < self.heap[1] and not any(
            low <= at and at + size <= high for low, high in self.arrays
        ):
            self.beside = at

    def run(self, start, registers):
        self.beside = 0
        result = super().run(start, registers)
        if self.beside:
            raise machine.MachineError(f"went beside {self.arrays} at {self.beside}")
        return result


def numbers(rng: random.Random, code: str, n: int, low: int = -4095, high: int = 4095) -> array:
    return array(code, [rng.randint(low, high) for _ in range(n)])


def sound(name: str, rng: random.Random) -> list:
    """Arguments of a kernel, none longer than it has to be."""
    n, k = rng.randint(1, 40), rng.randint(1, 6)
    if name in ("rfft", "spectrum"):
        n = rng.choice((64, 128))
        length = rng.randint(1, n)
        plan = make_plan(n, length, REMOVE_MEAN)
        frame = numbers(rng, "h", n, -32768, 32767)
        window = numbers(rng, "h", length, 0, 32767) + array("h", bytes(2 * (n - length)))
        return [frame, window, plan, array("i", bytes(4 * (n + 2)))]
    work = numbers(rng, "i", n, 0, 2**30 - 1)
    lo = rng.randint(0, n - 1)
    frame = numbers(rng, "h", n, -32768, 32767)
    h, i, b = (lambda size: array("h", bytes(2 * size)), lambda size: array("i", bytes(4 * size)),
               lambda size: array("b", bytes(size)))
    if name in ("peak_bin", "centroid"):
        return [work, lo, n]
    if name == "load_power":
        return [frame, n, i(n)]
    if name == "band_log2":
        return [work, array("h", [k] + [lo, n] * k), 100, h(k)]
    if name == "weighted_log2":
        return [work, array("h", [lo, n - lo] + [32767, 3] * (n - lo)), 100]
    if name == "deinterleave":
        return [numbers(rng, "h", 1 + k * (n - 1) + 2), 2, array("h", [k, n, 3]), h(n + 3)]
    if name in ("block_means", "resample"):
        return [frame, n, h(k)]
    if name == "moments":
        return [frame, n, i(16)]
    if name == "statistics":
        raw = i(16)
        reference.moments(frame, n, raw)
        return [raw, array("h", [k] + [x for kind in range(k) for x in (kind, kind, 2)]), h(k)]
    if name in ("isqrt", "exp2_q8"):
        return [rng.randint(0, 9999)]
    if name == "widen":
        return [frame, n, i(n + 2), 2]
    if name == "teager":  # the reference leaves more than the blocks in a short envelope
        n += 20
        return [numbers(rng, "h", n, -32768, 32767), 4, h(n // 4), n]
    if name == "scale":
        return [frame, array("h", [n] + [5, 100, 3] * n), h(n)]
    z = numbers(rng, "h", n)
    if name == "matvec":
        return [z, numbers(rng, "h", n * k, -99, 99), array("h", [k, n, 4]), h(k)]
    if name == "kmeans":
        return [z, numbers(rng, "h", n * k), array("i", [k, n, 2, 0] + [16384] * k), i(k)]
    if name == "quantize_s8":
        return [z, array("h", [n, 99, 5, -3]), b(n)]
    if name == "dequantize_s8":
        return [numbers(rng, "b", n, -128, 127), array("h", [n, 99, 5, -3]), h(n)]
    if name == "check_words":
        return [numbers(rng, "b", 4 * n, -128, 127), n, array("H", [0, 0, 7, 7]), 1]
    n *= 4
    params = array("i", [n, k, 0, -128, 127, 0, 0, 0] + [7, 1 << 14, 0, -7] * k)
    return [numbers(rng, "b", n, -128, 127), numbers(rng, "b", n * k, -128, 127), params, b(k)]


def spoil(value, rng: random.Random):
    """The argument as something that is wrong, whatever kernel it is for."""
    if isinstance(value, int):
        return rng.choice((None, 2.0, "1", True, -(2**21), 2**31, 2**40, [1], value.to_bytes(8)))
    code = value.typecode
    return rng.choice((
        None, 7, 2**29, "text", value.tolist(), tuple(value), bytes(value), bytearray(value),
        memoryview(bytes(value)), {1: 2}, array(code), value[: len(value) - 1],
        *(array(other, bytes(8 * len(value))) for other in OTHER[code]),
        memoryview(array(OTHER[code][-1], bytes(8 * len(value)))),
    ))  # fmt: skip


@pytest.fixture(scope="module", params=("thumb", "m33", "m33-viper", "rv32"))
def native(request):
    """Kernels under tocsin.kernels as on a board; where there is a choice, on watched memory."""
    load = native_modules.viper if "viper" in request.param else native_modules.assembler
    boards = {"thumb": machine.Thumb, "rv32": machine.RiscV}
    emulated = load(boards.get(request.param, Watched)())
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            own = getattr(emulated, name, getattr(reference, name))
            patch.setitem(vars(tocsin.kernels), name, own)
        yield request.param


def outcome(function, arguments):
    """What a call returns and leaves in its arrays."""
    own = [array(x.typecode, x) if isinstance(x, array) else x for x in arguments]
    result = function(*own)
    return result or 0, [x.tolist() for x in own if isinstance(x, array)]


def test_every_kernel_is_checked():
    names = [name for names in tocsin.kernels.GROUPS.values() for name in names]
    assert sorted(NAMES) == sorted(set(names) - {"make_work"})
    assert all(callable(getattr(checked, name)) for name in names)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_sound_arguments_give_the_reference(native, name, seed):
    """In arrays that are not a value too long."""
    arguments = sound(name, random.Random(seed))
    found = outcome(getattr(checked, name), arguments)
    assert found == outcome(getattr(reference, name), arguments)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_wrong_argument_has_a_name(native, name, seed):
    rng = random.Random(seed)
    arguments = sound(name, rng)
    if name in ("block_means", "resample"):  # any number of points is right, none is not
        arguments[2] = array("h", [0])
    spoilt = rng.randrange(len(arguments))
    arguments[spoilt] = spoil(arguments[spoilt], rng)
    with pytest.raises(ArrayError):
        getattr(checked, name)(*arguments)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_count_is_refused_or_stays_inside_the_arrays(native, name, seed):
    """Whatever stands where counts and indices are: in ints and in the heads of arrays."""
    rng = random.Random(seed)
    arguments = sound(name, rng)
    for _ in range(rng.randint(1, 2)):
        position = rng.randrange(len(arguments))
        value = arguments[position]
        if name == "statistics" and position == 0:
            continue  # sums, no counts
        if isinstance(value, int):
            arguments[position] = rng.choice((value - 1, value + 1, -1, 0, rng.randint(-9, 99999)))
        elif value.typecode != "b":
            most = 2 ** (8 * value.itemsize - 1) - 1
            at = rng.randrange(min(9, len(value)))
            wanted = (value[at] - 1, value[at] + 1, -1, 0, most, -most, rng.randint(-9, 99))
            value[at] = min(max(rng.choice(wanted), 0 if value.typecode == "H" else -most), most)
    try:
        outcome(getattr(checked, name), arguments)
    except ArrayError:
        return


@pytest.mark.parametrize("name", NAMES)
def test_another_number_of_arguments_is_refused(native, name):
    arguments = sound(name, random.Random(1))
    for wrong in (arguments[1:], [*arguments, 0], []):
        with pytest.raises(ArrayError, match="arguments"):
            getattr(checked, name)(*wrong)


@pytest.mark.parametrize("name", ("rfft", "moments", "teager", "load_power", "fc_s8"))
def test_what_starts_between_words_is_refused_where_words_are_read(native, name):
    arguments = sound(name, random.Random(2))
    longer = array(arguments[0].typecode, [0]) + arguments[0]
    arguments[0] = memoryview(longer)[1:]
    with pytest.raises(ArrayError):
        getattr(checked, name)(*arguments)


@pytest.mark.parametrize("name", ("scale", "kmeans", "resample", "deinterleave", "matvec"))
def test_parts_of_arrays_are_taken_where_they_may_start_anywhere(native, name):
    arguments = sound(name, random.Random(3))
    expected = outcome(getattr(reference, name), arguments)[0]
    longer = array("h", [0]) + arguments[0]
    arguments[0] = memoryview(longer)[1:]
    assert (getattr(checked, name)(*arguments) or 0) == expected


def test_a_part_that_cannot_be_written_is_refused(native):
    frame = memoryview(bytes(32)).cast("h")
    with pytest.raises(ArrayError):
        checked.resample(array("h", range(9)), 9, frame)


def test_watched_memory_notices_a_read_beside_an_array():
    kernels = native_modules.viper(Watched())
    with pytest.raises(machine.MachineError, match="beside"):
        kernels.peak_bin(array("i", [1, 2, 3]), 0, 4)
