# SPDX-License-Identifier: Apache-2.0
"""How a command of `tocsin` ends when it cannot be done: one line that says what to do."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer

_BAD_INPUT = 2
_INTERNAL = 70
_STOPPED = 130


class UsageRefused(ValueError):
    """Options that do not go together; the message says what to change."""


def exit_code(error: BaseException) -> int:
    """Show one line about what a command raised; the process's exit code.

    Raises the error itself where TOCSIN_DEBUG is set and it is not about options.
    """
    if isinstance(error, (typer.Abort, KeyboardInterrupt)):
        return _fail("stopped", _STOPPED)
    if isinstance(error, typer.Exit):
        return error.exit_code
    if hasattr(error, "format_message"):
        return _fail(_usage(error), _BAD_INPUT)
    if os.environ.get("TOCSIN_DEBUG"):
        raise error
    if isinstance(error, (ValueError, OSError)):
        return _fail(_one_line(error), _BAD_INPUT)
    return _fail(f"internal error, {type(error).__name__}: {error}; please report it", _INTERNAL)


def _usage(error: Any) -> str:
    """A wrong option or argument, with where to look."""
    context = getattr(error, "ctx", None)
    hint = f"; see {context.command_path} --help" if context is not None else ""
    return str(error.format_message()).rstrip(".") + hint


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}; check the path and its rights"
    return str(error)


def _fail(message: str, code: int) -> int:
    sys.stderr.write("tocsin: " + " ".join(message.split()) + "\n")
    return code
