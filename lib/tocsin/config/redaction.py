# SPDX-License-Identifier: Apache-2.0
"""Secrets by key: never in logs, errors, captures or diagnostics."""

MASK = "***"
_PARTS = ("password", "passwd", "passphrase", "secret", "token", "credential", "psk", "private")
_WORDS = ("key", "pass", "pwd", "auth", "hmac", "login")


def is_secret(key) -> bool:
    """True for a key whose value must not be shown: wifi_password, psk, api_key, hmac."""
    text = str(key).lower().replace("-", "_")
    if any(part in text for part in _PARTS):
        return True
    return any(word in _WORDS for word in text.split("_")) or text.endswith("key")


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
    secrets = []
    _collect(config, False, secrets, 16)
    secrets.sort(key=lambda secret: -len(secret))
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _mask_urls(text)


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
