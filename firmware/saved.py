# SPDX-License-Identifier: Apache-2.0
"""The configuration as it lies on the flash, and what stands for it in the audit log."""

import binascii
import hashlib
import json

from firmware import config as configuration

_DIGEST = 16

_sound = [None]
"""Digest of a text that was checked and saved, though not yet kept complete."""


class ChangeError(ValueError):
    """A change that was not made; one line that says what to do."""


def digest(text: bytes) -> str:
    """The start of the SHA-256 of a configuration in hex."""
    return binascii.hexlify(hashlib.sha256(text).digest()).decode()[:_DIGEST]


def load(store) -> dict:
    """/config.json, which is valid; keys may be left out. Raises ChangeError."""
    text = store.read(configuration.NEWEST, configuration.LIMIT)
    if text is None:
        raise ChangeError("/config.json is missing; push one with: tocsin config push")
    if digest(text) == _sound[0] or _checked(store) == configuration.digest(text):
        return json.loads(text)
    return check(text)


def trust(text_digest) -> None:
    """This is the digest of a configuration that has passed the check: `load` need not repeat
    what takes a Pico most of a second."""
    _sound[0] = text_digest


def _checked(store):
    """SHA-256 of the text that was checked last, in hex, or None."""
    file = store.open(configuration.ACCEPTED)
    if file is None:
        return None
    try:
        return file.read(73)[9:].decode()
    except (OSError, UnicodeError):
        return None
    finally:
        file.close()


def check(text: bytes) -> dict:
    """A configuration out of foreign bytes. Raises ChangeError with its first problem."""
    from tocsin.config.numbers import ConfigError
    from tocsin.config.strict import loads

    try:
        raw = loads(text)
    except ConfigError as error:
        raise ChangeError("not a configuration: " + error.problems[0])
    refuse_invalid(raw)
    return raw


def refuse_invalid(config) -> None:
    """Raises ChangeError with the first problem of a configuration."""
    from tocsin.config.schema import validate

    problems = validate(config)
    if problems:
        raise ChangeError(problems[0])
