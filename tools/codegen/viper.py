# SPDX-License-Identifier: Apache-2.0
"""A plan as one viper function, for processors without an inline assembler on stock firmware."""

from tools.codegen.plan import Plan

TABLE_LINES = ""


def functions(plan: Plan) -> str:
    raise NotImplementedError
