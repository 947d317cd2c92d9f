# SPDX-License-Identifier: Apache-2.0
"""The source of a generated module: header, native function, and a `Scorer` that calls it."""

import struct
from typing import Any

from tools.codegen import plan as plans
from tools.codegen import risc, thumb
from tools.codegen.plan import Plan
from tools.mpy import THUMB
from tools.native_abi import GUARD

_TOP = '''# SPDX-License-Identifier: Apache-2.0
"""{what} of {name}, CRC-32 {crc}, for {arch}. Written by `tocsin codegen`; don't edit.

Lies beside the bundle under the same name. Scores are those of tocsin.models.scorer, bit for bit.
"""

from array import array

import micropython
from tocsin.dsp.buffers import ALL
from tocsin.models.scorer import Scorer as _Generic

{guard}BUNDLE = {last!r}
{table}

'''
_CLASS = '''

class Scorer(_Generic):
    """`tocsin.models.scorer.Scorer` for this bundle alone."""

    def __init__(self, bundle):
        _Generic.__init__(self, bundle)
        self._own = memoryview(array("h", bytes({vector_bytes})))
        self._state = array("i", bytes({state_bytes}))
        self._state[{label}] = -1
{more}
    def score(self, vector) -> int:
        state = self._state
        own = self._own
        try:
            own[ALL] = vector
        except (TypeError, ValueError, NotImplementedError):
            raise ValueError("a feature vector must be array('h') of {n}")
        {call}
{scores}
        return self.last

    def reasons(self, count: int = 3) -> list:
        state = self._state
{reasons}
        return _Generic.reasons(self, count)
'''

_ALIGNED = """        # a table that lies in flash may start anywhere, the code reads words
        self._table = array("i", _TABLE)
"""


def source(plan: Plan, decision: dict[str, Any], data: bytes, name: str, arch: str) -> str:
    """The module for a bundle of bytes `data`; `decision` as `Bundle.decision` has it."""
    assembler = arch in THUMB
    what = " and ".join(
        (["clusters"] if _has_clusters(plan) else []) + (["network"] if plan.head else [])
    )
    top = _TOP.format(
        what=what[:1].upper() + what[1:], name=name, arch=arch, last=data[-4:],
        crc=f"{int.from_bytes(data[-4:], 'little'):08x}", guard="" if assembler else GUARD + "\n",
        table="" if assembler else _table(plan),
    )  # fmt: skip
    body = _CLASS.format(
        n=plan.n,
        vector_bytes=2 * plan.n,
        state_bytes=4 * (plan.used if assembler else risc.state_words(plan)),
        label=plans.LABEL,
        more="" if assembler else _ALIGNED,
        call="_run(own, state)" if assembler else "_run(own, state, self._table)",
        scores=_indented(_scores(plan, decision)),
        reasons=_indented(_reasons(plan)),
    )
    return top + (thumb.function(plan) if assembler else risc.function(plan, arch)) + body


def _table(plan: Plan) -> str:
    words = plans.words_of(plan.table)
    return f"_TABLE = {struct.pack(f'<{len(words)}I', *words)!r}"


def _has_clusters(plan: Plan) -> bool:
    return any(isinstance(stage, plans.Rows) for stage in plan.stages)


def _indented(lines: list[str]) -> str:
    return "\n".join("        " + line for line in lines)


def _scores(plan: Plan, decision: dict[str, Any]) -> list[str]:
    """Statements that bring the results from the state to where the interpreter leaves them."""
    lines = []
    if _has_clusters(plan):
        lines += [
            "part = self.kmeans",
            f"part.best = state[{plans.BEST}]",
            f"part.raw = state[{plans.RAW}]",
            f"part.score = near = state[{plans.NEAR}]",
            *_edge("near", decision["thresholds"]["kmeans"]),
            "self._kmeans_score = near",
        ]
    if plan.head:
        lines += [
            "part = self.network",
            f"part.score = net = state[{plans.SCORE}]",
            f"part.label = self.label = state[{plans.LABEL}]",
            *_edge("net", decision["thresholds"]["network"]),
            "self._network_score = net",
        ]
    if not plan.head:
        lines.append("self.last = near")
    elif not _has_clusters(plan):
        lines.append("self.last = net")
    elif decision["combine"] == "weighted":
        near, net = decision["weights"]["kmeans"], decision["weights"]["network"]
        lines.append(f"self.last = (near * {near} + net * {net}) // {near + net}")
    else:
        lines.append("self.last = near if near > net else net")
    return lines


def _edge(name: str, edge: int) -> list[str]:
    return [] if edge == 256 else [f"{name} = min(({name} << 8) // {edge}, 32767)"]


def _reasons(plan: Plan) -> list[str]:
    """Statements that put the interpreter's parts into the state after the last vector."""
    lines = ["z = self._z", f"for i in range({plan.n}):", f"    z[i] = state[{plan.z} + i]"]
    if _has_clusters(plan):
        lines.append("self.kmeans.update(z)")
    if plan.head and plan.network_z != plan.z:
        lines += [
            "z = self._network_z",
            f"for i in range({plan.n}):",
            f"    z[i] = state[{plan.network_z} + i]",
        ]
    if plan.head:
        lines.append("self.network.update(z)")
    return lines
