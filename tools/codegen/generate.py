# SPDX-License-Identifier: Apache-2.0
"""From a bundle to a module that has proved itself and gains: nothing else is handed out."""

from dataclasses import asdict, dataclass
from typing import Any

from tocsin.models.bundle import Bundle, BundleError, parse
from tocsin.models.scorer import Scorer
from tocsin.models.selftest import verify
from tools.codegen.plan import make_plan
from tools.codegen.requantise import NotSpecialised
from tools.mpy import ARCHES
from tools.train.bundle_format import Model, decode

_MEASURED = 20


class CodegenError(ValueError):
    """No module for this bundle; one line says why and what to do."""


@dataclass(frozen=True)
class Gain:
    """What one vector costs in native code, and what the code weighs.

    unit: "cycles" of a Cortex-M0+ or "instructions". The module comes on top of the interpreter's
    files, whose bytes stand beside its own.
    """

    arch: str
    unit: str
    generic: int
    generated: int
    generic_mpy_bytes: int
    generated_mpy_bytes: int
    vectors: int
    random_inputs: int

    @property
    def worth_it(self) -> bool:
        return self.generated < self.generic

    def text(self) -> str:
        """The figures on one line."""
        percent = 100 - 100 * self.generated / self.generic
        return (
            f"{self.generic:,} {self.unit} with the interpreter, {self.generated:,} generated "
            f"({percent:.0f} % fewer); .mpy {self.generated_mpy_bytes:,} bytes on top of "
            f"{self.generic_mpy_bytes:,}"
        )

    def facts(self) -> dict[str, Any]:
        return {**asdict(self), "worth_it": self.worth_it}


@dataclass(frozen=True)
class Generated:
    """A verified module: source, .mpy, and what it gains."""

    source: str
    mpy: bytes
    gain: Gain


def generate(data: bytes, name: str, arch: str, step: Any = None) -> Generated:
    """The module for a bundle of bytes `data` called `name`.

    Its native code has run the bundle's vectors and `check.INPUTS` random ones on an emulated
    processor, with the interpreter's results to the bit. `step()` is called after each of those.
    Raises BundleError or CodegenError.
    """
    if arch not in ARCHES:
        raise CodegenError(f"--arch {arch}: use {', '.join(ARCHES)}")
    model, bundle = decode(data, name), parse(data, name)
    if bundle.section("VECT") is None:
        raise BundleError(f"{name}: no self-test vectors to prove code with; train it again")
    try:
        from tools.codegen import check, module
    except ImportError as error:
        raise CodegenError(
            f"no emulated processor to verify code on ({error}); install tocsin[dev] and run "
            "in a checkout of the project"
        ) from error
    try:
        source = module.source(make_plan(model), bundle.decision, data, name, arch)
        return _proved(check, (model, bundle), source, arch, step)
    except NotSpecialised as error:
        raise CodegenError(f"{name}: {error}; the interpreter is as good for it") from error
    except check.Unavailable as error:
        raise CodegenError(str(error)) from error
    except check.WRONG as error:
        raise CodegenError(f"{name}: the generated code is wrong, please report it: {error}"
                           ) from error  # fmt: skip


def _proved(
    check: Any, parts: tuple[Model, Bundle], source: str, arch: str, step: Any
) -> Generated:
    model, bundle = parts
    board, unit = check.processor(arch)
    mpy = check.compiled(source, arch)
    judge = check.load(source, mpy, board).Scorer(bundle)
    try:
        vectors = verify(bundle, 0, None, judge)
    except BundleError as error:
        verify(bundle)  # a bundle that fails with the interpreter too says so itself
        raise check.Differs(str(error)) from error
    inputs = check.vectors(model, check.INPUTS)
    check.compare(Scorer(bundle), judge, inputs, step)
    generated = check.cost(judge, board, inputs[:_MEASURED])
    with check.interpreter(bundle, check.backend(board)) as generic:
        cost = check.cost(generic, board, inputs[:_MEASURED])
    size = check.generic_bytes(bundle, arch)
    gain = Gain(arch, unit, cost, generated, size, len(mpy), vectors, len(inputs))
    return Generated(source, mpy, gain)
