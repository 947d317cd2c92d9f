# SPDX-License-Identifier: Apache-2.0
"""The `ulab` module of an emulated board: numpy underneath, ulab's types and names on top.

Only what ulab 6 has and Tocsin may meet: five dtypes (float is 32 bits wide, as on boards),
ulab's upcasting table, `fft.fft` that takes and returns (re, im) or, in builds with complex
numbers, one complex array. Everything else raises AttributeError, so code that only works with
numpy fails here as it would on a board.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

_FLOAT = ord("f")
_CODES = {ord("B"): np.uint8, ord("b"): np.int8, ord("H"): np.uint16, ord("h"): np.int16,
          ord("f"): np.float32}
_NAMES = {"uint8": ord("B"), "int8": ord("b"), "uint16": ord("H"), "int16": ord("h"),
          "float": ord("f")}
_ORDER = (np.uint8, np.int8, np.uint16, np.int16, np.float32)


def _upcast(left: np.dtype[Any], right: np.dtype[Any]) -> Any:
    """ulab's result type of a binary operation."""
    kinds = {left.type, right.type}
    if len(kinds) == 1:
        return left.type
    if np.float32 in kinds or kinds == {np.uint16, np.int16}:
        return np.float32
    return np.uint16 if kinds == {np.uint8, np.uint16} else np.int16


def _raw(value: Any, first: bool = False) -> np.ndarray[Any, Any]:
    """Operand as a numpy array with ulab's choice of type for scalars; `first`: on the left."""
    if isinstance(value, ndarray):
        return value._a
    if isinstance(value, (bool, int)):
        wide = ((np.uint16, 256, 65535), (np.int16, -32768, -129))
        for kind, low, high in ((np.uint8, 0, 255), (np.int8, -128, -1),
                                *(wide if first else ((np.int16, -32768, 32767), wide[0]))):
            if low <= value <= high:
                return np.asarray(value, dtype=kind)
    if isinstance(value, (int, float)):
        return np.asarray(value, dtype=np.float32)
    return np.asarray(list(value), dtype=np.float32)


def _wrap(value: Any) -> Any:
    """numpy result back to what ulab returns: an ndarray, a float or an int."""
    if isinstance(value, np.ndarray) and value.ndim:
        if value.dtype.type not in _ORDER and value.dtype.kind != "c":
            value = value.astype(np.float32 if value.dtype.kind == "f" else np.int16)
        return ndarray(value)
    if isinstance(value, np.ndarray):
        value = value[()]
    return float(value) if isinstance(value, np.floating) else int(value)


def _binary(operation: Callable[..., Any], swapped: bool = False) -> Callable[..., Any]:
    def run(self: "ndarray", other: Any) -> Any:
        left, right = self._a, _raw(other, swapped)
        kind = _upcast(left.dtype, right.dtype)
        if operation is np.true_divide:
            return _divide(right, left) if swapped else _divide(left, right)
        if operation is np.subtract and (left.dtype, right.dtype) == (np.uint16, np.int8):
            kind = np.uint16
        pair = (right, left) if swapped else (left, right)
        with np.errstate(all="ignore"):
            return _wrap(operation(pair[0].astype(kind), pair[1].astype(kind)))
    return run


def _divide(left: Any, right: Any) -> Any:
    """`/`: always float, but integers are divided as in C before they become one."""
    with np.errstate(all="ignore"):
        result = left.astype(np.float32) / right.astype(np.float32)
        if left.dtype.kind != "f" and right.dtype.kind != "f":
            result = np.trunc(result)
    return _wrap(result)


def _inplace(operation: Callable[..., Any]) -> Callable[..., Any]:
    def run(self: "ndarray", other: Any) -> "ndarray":
        with np.errstate(all="ignore"):
            self._a[...] = operation(self._a, _raw(other)).astype(self._a.dtype)
        return self
    return run


def _compare(operation: Callable[..., Any]) -> Callable[..., Any]:
    def run(self: "ndarray", other: Any) -> Any:
        return ndarray(operation(self._a, _raw(other)).astype(np.uint8))
    return run


class ndarray:
    """ulab's array: the attributes and methods that ulab's has, no others."""

    __slots__ = ("_a",)

    def __init__(self, values: Any, dtype: int = ord("f")):
        self._a = values if isinstance(values, np.ndarray) else np.array(values, _CODES[dtype])

    shape = property(lambda self: self._a.shape)
    size = property(lambda self: self._a.size)
    itemsize = property(lambda self: self._a.itemsize)
    strides = property(lambda self: self._a.strides)
    dtype = property(lambda self: next(c for c, k in _CODES.items() if k is self._a.dtype.type))
    T = property(lambda self: ndarray(self._a.T))
    flat = property(lambda self: iter(_wrap(v) for v in self._a.flat))

    def __len__(self) -> int:
        return len(self._a)

    def __iter__(self) -> Any:
        return (_wrap(row) for row in self._a)

    def __getitem__(self, key: Any) -> Any:
        return _wrap(self._a[key._a.astype(bool) if isinstance(key, ndarray) else key])

    def __setitem__(self, key: Any, value: Any) -> None:
        with np.errstate(all="ignore"):
            self._a[key] = _raw(value).astype(self._a.dtype)

    def __buffer__(self, flags: int) -> memoryview:
        return memoryview(self._a)  # type: ignore[arg-type]

    def copy(self) -> "ndarray":
        return ndarray(self._a.copy())

    def reshape(self, shape: Any) -> "ndarray":
        return ndarray(self._a.reshape(shape))

    def flatten(self) -> "ndarray":
        return ndarray(self._a.flatten())

    def transpose(self) -> "ndarray":
        return ndarray(self._a.T)

    def tolist(self) -> Any:
        return self._a.tolist()

    def tobytes(self) -> bytes:
        return self._a.tobytes()

    def sort(self, axis: int = -1) -> None:
        self._a.sort(axis)

    __add__, __radd__ = _binary(np.add), _binary(np.add)
    __sub__, __rsub__ = _binary(np.subtract), _binary(np.subtract, True)
    __mul__, __rmul__ = _binary(np.multiply), _binary(np.multiply)
    __truediv__, __rtruediv__ = _binary(np.true_divide), _binary(np.true_divide, True)
    __floordiv__ = _binary(np.floor_divide)
    __pow__, __rpow__ = _binary(np.power), _binary(np.power, True)
    __iadd__, __isub__ = _inplace(np.add), _inplace(np.subtract)
    __imul__, __itruediv__ = _inplace(np.multiply), _inplace(np.true_divide)
    __lt__, __le__ = _compare(np.less), _compare(np.less_equal)
    __gt__, __ge__ = _compare(np.greater), _compare(np.greater_equal)

    def __neg__(self) -> "ndarray":
        return ndarray(-self._a)

    def __abs__(self) -> "ndarray":
        return ndarray(np.abs(self._a))


def _unary(operation: Callable[..., Any]) -> Callable[..., Any]:
    def run(values: Any, *, out: ndarray | None = None) -> Any:
        with np.errstate(all="ignore"):
            result = operation(_raw(values).astype(np.float32)).astype(np.float32)
        if out is not None:
            out._a[...] = result
            return out
        return _wrap(result)
    return run


def _reduce(operation: Callable[..., Any]) -> Callable[..., Any]:
    def run(values: Any, *, axis: int | None = None) -> Any:
        array = _raw(values)
        result = operation(array, axis=axis)
        if array.dtype.kind != "f" and operation in (np.sum, np.max, np.min) and axis is not None:
            result = result.astype(array.dtype)
        return _wrap(np.asarray(result))
    return run


def _complex_fft(values: Any, inverse: bool = False) -> ndarray:
    """`fft.fft` of a build with complex numbers."""
    signal = _raw(values)
    count = len(signal)
    if signal.ndim != 1 or count & (count - 1) or count == 0:
        raise ValueError("input array length must be power of 2")
    transform = np.fft.ifft if inverse else np.fft.fft
    return ndarray(transform(signal.astype(np.complex64)).astype(np.complex64))


def _fft(re: Any, im: Any = None, inverse: bool = False) -> tuple[ndarray, ndarray]:
    """`fft.fft` of a build without complex numbers."""
    real = _raw(re).astype(np.float32)
    count = len(real)
    if real.ndim != 1 or count & (count - 1) or count == 0:
        raise ValueError("input array length must be power of 2")
    imaginary = np.float32(0) if im is None else _raw(im).astype(np.float32)
    signal = (real + 1j * imaginary).astype(np.complex64)
    result = np.fft.ifft(signal) if inverse else np.fft.fft(signal)
    return (ndarray(result.real.astype(np.float32)), ndarray(result.imag.astype(np.float32)))


def _from_buffer(kind: Any) -> Callable[..., ndarray]:
    def run(buffer: Any, *, count: int = -1, offset: int = 0, out: ndarray | None = None,
            byteswap: bool = False) -> ndarray:
        values = np.frombuffer(buffer, dtype=kind, count=count, offset=offset)
        values = (values.byteswap() if byteswap else values).astype(np.float32)
        if out is None:
            return ndarray(values)
        out._a[:] = values
        return out
    return run


def _spectrogram(re: Any, im: Any = None, *, scratchpad: Any = None, out: ndarray | None = None,
                 log: bool = False) -> ndarray:
    real, imaginary = _fft(re, im)
    power = np.sqrt(real._a * real._a + imaginary._a * imaginary._a)
    power = np.log(power) if log else power
    if out is None:
        return ndarray(power)
    out._a[:] = power
    return out


def _array(values: Any, *, dtype: int = ord("f")) -> ndarray:
    source = values._a if isinstance(values, ndarray) else np.array(
        [v.tolist() if isinstance(v, ndarray) else v for v in values])
    return ndarray(source.astype(_CODES[dtype]))


def _numpy() -> ModuleType:
    numpy = ModuleType("ulab.numpy")

    def filled(value: float) -> Callable[..., ndarray]:
        return lambda shape, *, dtype=_FLOAT: ndarray(np.full(shape, value, _CODES[dtype]))

    def frombuffer(buffer: Any, *, dtype: int = ord("f"), count: int = -1,
                   offset: int = 0) -> ndarray:
        return ndarray(np.frombuffer(buffer, _CODES[dtype], count, offset))

    def arange(*limits: float, dtype: int = ord("h")) -> ndarray:
        whole = all(isinstance(v, int) for v in limits)
        return ndarray(np.arange(*limits).astype(_CODES[dtype] if whole else np.float32))

    def dot(left: ndarray, right: ndarray) -> Any:
        return _wrap(np.dot(left._a.astype(np.float32), right._a.astype(np.float32)))

    def where(condition: Any, left: Any, right: Any) -> ndarray:
        a, b = _raw(left), _raw(right)
        return ndarray(np.where(_raw(condition) != 0, a, b).astype(_upcast(a.dtype, b.dtype)))

    def clip(values: Any, low: Any, high: Any) -> Any:
        return _wrap(np.clip(_raw(values), _raw(low), _raw(high)).astype(_raw(values).dtype))

    fft = ModuleType("ulab.numpy.fft")
    fft.__dict__.update(fft=_fft, ifft=lambda re, im=None: _fft(re, im, True))
    numpy.__dict__.update(
        _NAMES, ndarray=ndarray, array=_array, asarray=_array, frombuffer=frombuffer,
        zeros=filled(0), ones=filled(1), empty=filled(0), arange=arange, dot=dot, where=where,
        full=lambda shape, value, *, dtype=_FLOAT: ndarray(np.full(shape, value, _CODES[dtype])),
        linspace=lambda a, b, num=50: ndarray(np.linspace(a, b, num).astype(np.float32)),
        concatenate=lambda parts, axis=0: ndarray(np.concatenate([p._a for p in parts], axis)),
        roll=lambda values, shift, axis=None: ndarray(np.roll(values._a, shift, axis)),
        flip=lambda values, axis=None: ndarray(np.flip(values._a, axis)),
        clip=clip, minimum=lambda a, b: _binary(np.minimum)(a, b),
        maximum=lambda a, b: _binary(np.maximum)(a, b),
        inf=float("inf"), nan=float("nan"), pi=float(np.float32(np.pi)), fft=fft,
        **{name: _unary(getattr(np, name)) for name in
           ("exp", "sqrt", "log", "log2", "log10", "sin", "cos", "tan", "floor", "ceil")},
        **{name: _reduce(getattr(np, name)) for name in
           ("sum", "mean", "std", "max", "min", "median", "argmax", "argmin", "all", "any")})
    return numpy


def build(
    with_complex: bool = False, spend: Callable[[], None] | None = None
) -> dict[str, ModuleType]:
    """Return fresh `ulab`, `ulab.numpy` and `ulab.utils` modules by name.

    with_complex: of an image with complex numbers, whose `fft.fft` returns one complex array.
    spend: called with each `fft.fft`, to let the time pass that it takes.
    """
    ulab, numpy, utils = ModuleType("ulab"), _numpy(), ModuleType("ulab.utils")
    if with_complex:
        numpy.__dict__["fft"].__dict__.update(
            fft=_complex_fft, ifft=lambda values: _complex_fft(values, True))
        numpy.__dict__.update(real=lambda values: ndarray(_raw(values).real.astype(np.float32)),
                              imag=lambda values: ndarray(_raw(values).imag.astype(np.float32)))
    utils.__dict__.update(
        from_int16_buffer=_from_buffer(np.int16), from_uint16_buffer=_from_buffer(np.uint16),
        from_int32_buffer=_from_buffer(np.int32), from_uint32_buffer=_from_buffer(np.uint32),
        spectrogram=_spectrogram)
    if spend is not None:
        fft = numpy.__dict__["fft"]
        transform = fft.fft

        def timed(*arguments: Any) -> Any:
            spend()
            return transform(*arguments)

        fft.fft = timed
    version = "6.12.0-2D-c" if with_complex else "6.12.0-2D"
    ulab.__dict__.update(numpy=numpy, utils=utils, __version__=version)
    return {"ulab": ulab, "ulab.numpy": numpy, "ulab.utils": utils}
