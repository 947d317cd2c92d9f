# SPDX-License-Identifier: Apache-2.0
"""Secrets never appear in logs, errors, captures or diagnostics."""

from tocsin.config.secret import MASK, is_secret


def redact(value, depth: int = 16):
    """A copy of a JSON value with every secret, and user:password in URLs, masked."""
    if depth == 0:
        return MASK
    if isinstance(value, dict):
        result = {}
        for key in value:
            hidden = is_secret(key) and value[key] is not None
            result[key] = MASK if hidden else redact(value[key], depth - 1)
        return result
    if isinstance(value, (list, tuple)):
        return [redact(entry, depth - 1) for entry in value]
    if isinstance(value, str):
        return _mask_urls(value)
    return value


def redact_text(text: str, config) -> str:
    """`text` with every secret value of `config` masked, as itself and as JSON writes it."""
    return hide(text, secrets_of(config))


def secrets_of(config) -> list:
    """Every secret value of a configuration, as itself and as JSON writes it, longest first."""
    secrets = []
    _collect(config, False, secrets, 16)
    secrets.sort(key=lambda secret: -len(secret))
    return secrets


def hide(text: str, secrets: list) -> str:
    """`text` with `secrets`, and user:password in URLs, masked."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _mask_urls(text)


def restore(value, current, path: str = ""):
    """What `value`, edited from `redact(current)`, means: masked secrets are the current ones.

    Raises ValueError for a mask that hides nothing.
    """
    if isinstance(value, dict):
        result = {}
        for key in value:
            old = current.get(key) if isinstance(current, dict) else None
            below = path + "." + str(key) if path else str(key)
            if value[key] == MASK and is_secret(key) and old is not None:
                result[key] = old
            else:
                result[key] = restore(value[key], old, below)
        return result
    if isinstance(value, list):
        old = current if isinstance(current, (list, tuple)) else ()
        return [restore(value[i], old[i] if i < len(old) else None, path)
                for i in range(len(value))]
    if isinstance(value, str) and MASK in value:
        if isinstance(current, str) and redact(current) == value:
            return current
        raise ValueError("%s: %s hides nothing here; write the secret itself" % (path, MASK))
    return value


def _collect(value, hidden, secrets, depth):
    if isinstance(value, dict):
        if depth:
            for key in value:
                _collect(value[key], hidden or is_secret(key), secrets, depth - 1)
    elif isinstance(value, (list, tuple)):
        if depth:
            for entry in value:
                _collect(entry, hidden, secrets, depth - 1)
    elif hidden and value is not None and not isinstance(value, bool):
        text = str(value)
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        for form in (text, escaped):
            if form and form not in secrets:
                secrets.append(form)


def _mask_urls(text):
    at = text.find("://")
    while at >= 0:
        start = at + 3
        end = start
        while end < len(text) and text[end] not in " /?#\"'<>\r\n\t":
            end += 1
        sign = text.rfind("@", start, end)
        if sign >= 0:
            text = text[:start] + MASK + text[sign:]
            start += len(MASK)
        at = text.find("://", start)
    return text
