# SPDX-License-Identifier: Apache-2.0
"""Which configuration the device runs on: the newest, the last good one, or safe limits.

A text is checked once, when it is new. What was accepted is kept complete, with the SHA-256 of
its source, so that an ordinary boot neither loads nor runs the checker (10 KB).
"""

import binascii
import hashlib
import json

from firmware.forget import forget
from tocsin import __version__

NEWEST = "config.json"
ACCEPTED = "config.good"
LIMIT = 16384
_CHECKER = "tocsin.config."


def load(store) -> tuple:
    """Return (complete config, problems).

    problems: one line each; empty only when /config.json itself is in use.
    """
    newest = store.read(NEWEST, LIMIT)
    source, good = accepted(store)
    if newest is not None and good is not None and source == digest(newest):
        return good, []
    problems = []
    if newest is None:
        problems.append("/config.json is missing or above 16 KB; deploy one")
    config = _check(store, newest, good, problems)
    forget(_CHECKER)
    return config, problems


def _check(store, newest, good, problems: list) -> dict:
    """The new text's config when it is valid, otherwise the best there is, with the reasons."""
    from tocsin.config.defaults import choose, complete

    config, index, wrong = choose([] if newest is None else [newest], _fallback)
    if index == 0:
        accept(store, newest, config)
        return config
    if good is None:
        problems.extend(wrong)
        return config
    problems.extend(wrong[:-1])
    problems.append("running on the last good config")
    return complete(good)


def accept(store, text: bytes, config: dict) -> None:
    """Keep what a valid text means, complete: the next boot need not check it."""
    store.replace(ACCEPTED, kept(text, config))


def kept(text: bytes, config: dict) -> bytes:
    """What `accept` writes."""
    body = "%s %s" % (digest(text), json.dumps(config))
    return ("%08x %s" % (_crc(body.encode()), body)).encode()


def accepted(store) -> tuple:
    """(SHA-256 of the source text in hex, complete config), or (None, None) if not sound."""
    data = store.read(ACCEPTED, 4 * LIMIT)
    try:
        if data is None or int(data[:8], 16) != _crc(data[9:]):
            return None, None
        return data[9:73].decode(), json.loads(data[74:])
    except ValueError:
        return None, None


def digest(text: bytes) -> str:
    """SHA-256 of the text and the version that completed it: newer firmware may know more keys."""
    return binascii.hexlify(hashlib.sha256(__version__.encode() + text).digest()).decode()


def _crc(data: bytes) -> int:
    return binascii.crc32(data) & 0xFFFFFFFF


def _fallback() -> dict:
    from tocsin.config.rescue import factory

    return factory("cold_chain", {"driver": "none"})
