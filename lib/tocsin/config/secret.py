# SPDX-License-Identifier: Apache-2.0
"""Which keys hold secrets."""

MASK = "***"
_PARTS = ("password", "passwd", "passphrase", "secret", "token", "credential", "psk", "private")
_WORDS = ("key", "pass", "pwd", "auth", "hmac", "login")


def is_secret(key) -> bool:
    """True for a key whose value must not be shown: wifi_password, psk, api_key, hmac."""
    text = str(key).lower().replace("-", "_")
    if any(part in text for part in _PARTS):
        return True
    return any(word in _WORDS for word in text.split("_")) or text.endswith("key")
