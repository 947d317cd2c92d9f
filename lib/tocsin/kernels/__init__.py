# SPDX-License-Identifier: Apache-2.0
"""The inner loops, from the fastest backend that this runtime can load.

BACKEND says which one that is: "thumb", "xtensa", "rv32", "viper", "ulab" or "reference". The
reference modules document every kernel; the other backends are bit-exact with them except ulab,
whose spectra are float32. A kernel's module is loaded when first asked for: `from tocsin.kernels
import fc_s8`. What the best backend lacks, or this runtime refuses, comes from the next one.
CANDIDATES are BACKEND and, where an FPU may make it faster, ulab: choice.py measures and chooses.
"""

import sys

# architecture in sys.implementation._mpy -> folder of its native files, its assembler backend
NATIVE = {
    4: ("armv6m", "thumb"),
    7: ("armv7emsp", "thumb"),
    10: ("xtensawin", "xtensa"),
    11: ("rv32imc", "rv32"),
}
# those that may have an FPU: x86, x64, armv7emsp, armv7emdp, xtensawin; and those without viper:
# no native code at all, or 64-bit words, in which its integers don't wrap as the kernels want
_WITH_FPU = (1, 2, 7, 8, 10)
_NO_VIPER = (0, 2, 12)
# firmware that compiles viper source wrongly, and where: it loses the register of an index
_BAD_COMPILER = ((1, 26), (1, 27))
_BAD_ARCH = (4, 5, 6, 7, 8, 11)
GROUPS = {
    "fft": ("make_work", "rfft", "spectrum"),
    "spectral": ("band_log2", "centroid", "load_power", "peak_bin", "weighted_log2"),
    "time": ("deinterleave",),
    "parts": ("block_means", "resample"),
    "moments": ("moments",),
    "statistics": ("statistics",),
    "numbers": ("isqrt", "widen"),
    "envelope": ("teager",),
    "model": ("kmeans", "matvec", "scale"),
    "network": ("fc_s8", "quantize_s8"),
    "rebuild": ("dequantize_s8",),
    "check": ("check_words",),
}
# the groups that ulab has a part in
SPECTRA = ("fft", "spectral")


def _load(name: str):
    """Import one module of this package; None where this runtime cannot run it."""
    name = "tocsin.kernels." + name
    try:
        __import__(name)
    except (ImportError, SyntaxError, ValueError, AttributeError):
        sys.modules.pop(name, None)
        return None
    return sys.modules[name]


def _order(arch: int, version: tuple) -> list:
    """Where an architecture's kernels may lie, best first: [folder.]backend."""
    order = ["reference"]
    if arch not in _NO_VIPER and (arch not in _BAD_ARCH or version not in _BAD_COMPILER):
        order.insert(0, "viper")
    if arch in NATIVE:
        folder, assembler = NATIVE[arch]
        order = [folder + "." + assembler, assembler, folder + ".viper"] + order
    return order


def _select(arch: int) -> tuple:
    """Return the backends to choose from, the one without ulab first."""
    for place in _ORDER:
        if _load(place + "_time"):
            break
    best = place.split(".")[-1]
    if (arch in _WITH_FPU or best == "reference") and _load("ulab"):
        return ("ulab",) if best == "reference" else (best, "ulab")
    return (best,)


def find(name: str, backend: str):
    """The kernel `name` of a backend, or of the next one that has it; None for no kernel."""
    for group in GROUPS:
        if name in GROUPS[group]:
            if backend == "ulab" and group in SPECTRA:
                return getattr(_load("ulab"), name)
            for place in _ORDER:
                kernel = getattr(_load(place + "_" + group), name, None)
                if kernel:
                    return kernel
    return None


def __getattr__(name: str):
    """Load the module of the kernel `name`, or the module of that name."""
    found = find(name, BACKEND)
    if found:
        globals()[name] = found
    elif name[0] != "_":
        found = _load(name)
    if found is None:
        raise AttributeError(name)
    return found


_arch = (getattr(sys.implementation, "_mpy", 0) >> 10) & 15
_ORDER = _order(_arch, tuple(getattr(sys.implementation, "version", ())[:2]))
CANDIDATES = _select(_arch)
BACKEND = CANDIDATES[0]
