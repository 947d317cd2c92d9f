# SPDX-License-Identifier: Apache-2.0
"""The inner loops, from the fastest backend that this runtime can load.

BACKEND says which one that is: "thumb", "viper", "ulab" or "reference". The reference modules
document every kernel; the other backends are bit-exact with them except ulab, whose spectra are
float32. A kernel's module is loaded when first asked for: `from tocsin.kernels import fc_s8`.
What the best backend lacks, or this runtime refuses, comes from the next one.
"""

import sys

# architectures in sys.implementation._mpy that have an FPU: x86, x64, armv7emsp, armv7emdp,
# xtensawin; and 64-bit words, in which viper's integers don't wrap as the kernels want
_WITH_FPU = (1, 2, 7, 8, 10)
_WIDE = (2, 12)
# those that run Thumb code: armv6m, armv7emsp
_THUMB = (4, 7)
_GROUPS = {
    "fft": ("make_work", "rfft", "spectrum"),
    "spectral": ("band_log2", "centroid", "load_power", "peak_bin", "weighted_log2"),
    "time": ("deinterleave",),
    "parts": ("block_means", "resample"),
    "moments": ("moments",),
    "envelope": ("teager",),
    "model": ("kmeans", "matvec", "scale"),
    "network": ("fc_s8", "quantize_s8"),
    "rebuild": ("dequantize_s8",),
    "check": ("check_words",),
}


def _load(name: str):
    """Import one module of this package; None where this runtime cannot run it."""
    name = "tocsin.kernels." + name
    try:
        __import__(name)
    except (ImportError, SyntaxError, ValueError, AttributeError):
        return None
    return sys.modules[name]


def _select() -> tuple:
    """Return (BACKEND, the backends of the kernels that ulab has no part in, best first)."""
    arch = (getattr(sys.implementation, "_mpy", 0) >> 10) & 15
    native = ("reference",)
    if arch in _THUMB and _load("thumb_time"):
        native = ("thumb", "viper", "reference")
    elif arch not in _WIDE and _load("viper_time"):
        native = ("viper", "reference")
    if (arch in _WITH_FPU or native[0] == "reference") and _load("ulab"):
        return "ulab", native
    return native[0], native


BACKEND, _native = _select()


def __getattr__(name: str):
    """Load the module of the kernel `name`, or the module of that name."""
    for group in _GROUPS:
        if name in _GROUPS[group]:
            modules = [backend + "_" + group for backend in _native]
            if BACKEND == "ulab" and group in ("fft", "spectral"):
                modules.insert(0, "ulab")
            for module in modules:
                kernel = getattr(_load(module), name, None)
                if kernel:
                    globals()[name] = kernel
                    return kernel
    module = None if name[0] == "_" else _load(name)
    if module is None:
        raise AttributeError(name)
    return module
