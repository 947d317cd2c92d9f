# SPDX-License-Identifier: Apache-2.0
"""The model bundle: one binary file that holds all a device needs to judge a window.

The byte-exact format is in README.md beside this file. `parse` trusts nothing: every length,
count and shape is checked before it is used, so any byte string gives a `Bundle` or a
`BundleError` of one line, and never needs more memory than a few times its own length.
"""
import json
import struct
from array import array
from binascii import crc32

from tocsin.models.errors import BundleError, refuse

_KNOWN = b"CONF NAME PROV SCAL DECI SCAN KMNS PROJ MLPN FRST VECT SIGN"
_REQUIRED = 5  # the first ones of _KNOWN
_SCORE_MAX = 32767


class Bundle:
    """A checked bundle.

    name            what the file is called in messages
    conf            resolved feature configuration (dict)
    feature_names   n_features strings
    classes         class names of a classifier, else []
    decision        combination, thresholds, smoothing and vote, with defaults filled in (dict)
    threshold       score Q8 at which a window counts as anomalous (256 = edge of normal)
    scaler          array('h') [n, offset, mult, shift, offset, ...] for the `scale` kernel
    network_scaler  the same for the network or forest alone, or None when all share `scaler`
    """

    def __init__(self, name: str, view, places: dict):
        """`view`: the file, sliceable; `places`: tag -> [first byte, last + 1] of a payload."""
        self.name = name
        self._view = view
        self._places = places
        self.scaler = _scaler(self.section("SCAL"))
        self.n_features = self.scaler[0]
        self.network_scaler = None
        if "SCAN" in places:
            self.network_scaler = _scaler(self.section("SCAN"))
            if self.network_scaler[0] != self.n_features:
                refuse("SCAN")
        self.conf = self._json("CONF")
        names = self._json("NAME")
        self.feature_names = names.get("features", [])
        self.classes = names.get("classes", [])
        network = self.parts()[1]
        if not (_strings(self.feature_names, self.n_features) and _strings(
                self.classes, network.n_classes if network is not None else 0)):
            refuse("NAME")
        _ = self.provenance
        self.decision = complete(self._json("DECI"))
        self.threshold = self.decision["threshold"]

    def section(self, tag: str):
        """Payload of a section, to be sliced, or None when the bundle has none."""
        place = self._places.get(tag)
        return None if place is None else self._view[place[0]:place[1]]

    @property
    def provenance(self) -> dict:
        """Where the model came from; read from the bytes each time, so that it costs no memory."""
        return self._json("PROV")

    def parts(self) -> tuple:
        """A new (`KMeans` or None, `Mlp` or `Forest` or None); imports only what is there."""
        near = network = None
        view = self.section("KMNS")
        if view is not None:
            from tocsin.models.kmeans import KMeans
            near = KMeans(view, self.section("PROJ"), self.n_features)
        view = self.section("MLPN")
        if view is not None:
            network = self._mlp(view)
        view = self.section("FRST")
        if view is not None:
            if network is not None:
                refuse("FRST beside MLPN")
            from tocsin.models.forest import Forest
            network = Forest(view, self.n_features)
        if near is None and network is None:
            raise BundleError("nothing in it can score; train again")
        return near, network

    def _mlp(self, view):
        from tocsin.models.mlp import Mlp
        return Mlp(view, self.n_features)

    def _json(self, tag: str) -> dict:
        try:
            value = json.loads(bytes(self.section(tag)).decode())
        except (ValueError, RuntimeError):
            value = None
        if not isinstance(value, dict):
            refuse(tag + " (no JSON object)")
        return value


def parse(data, name: str = "model.tcb") -> Bundle:
    """Check the bytes of a bundle file and return the `Bundle`.

    `data` is bytes, bytearray or memoryview and must not change while the bundle is in use.
    Raises `BundleError`; nothing else, whatever the bytes are.
    """
    try:
        view = memoryview(data)
        return Bundle(name, view, split(view, len(view), crc32(view[:-4])))
    except BundleError as error:
        raise BundleError("%s: %s" % (name, error)) from None


def split(view, size: int, crc: int) -> dict:
    """The places of the sections of a file of `size` bytes; `crc` of all but its last four."""
    if size >= 4 and bytes(view[:4]) != b"TCB1":
        raise BundleError("not a model bundle; give a .tcb file")
    if size < 16:
        raise BundleError("truncated at byte %d, copy it again" % size)
    version, count, total = struct.unpack("<HHI", view[4:12])
    if version != 1:
        raise BundleError("format %d, this firmware reads 1; pack it with matching tools"
                          % version)
    if size != total:
        raise BundleError("%s at byte %d of %d, copy it again" % (
            "truncated" if size < total else "goes on", size, total))
    total -= 4
    if struct.unpack("<I", view[total:size])[0] != crc & 0xFFFFFFFF:
        raise BundleError("checksum differs, copy it again")
    found = {}
    at = 12
    for _ in range(min(count, 32)):
        at = _section(view, at, total, found)
    if at != total:
        refuse("section count")
    for tag in _KNOWN.decode().split()[:_REQUIRED]:
        if tag not in found:
            refuse(tag)
    return found


def _section(view, at: int, end: int, found: dict) -> int:
    """Enter the section at byte `at` into `found`; returns where the next one starts."""
    if at + 8 > end:
        refuse("section header")
    tag, length = struct.unpack("<4sI", view[at:at + 8])
    at += 8
    if length > end - at:
        refuse("section length")
    if tag in _KNOWN.split():
        tag = tag.decode()
        if tag in found:
            refuse("second " + tag)
        found[tag] = [at, at + length]
    elif not tag[0] & 32:
        raise BundleError("unknown section %r; update the firmware" % tag)
    return at + ((length + 3) & ~3)


def _scaler(view):
    """SCAL -> n, then n * (offset, mult, shift); (f - offset) * mult stays within 31 bits."""
    n = len(view) // 6
    if not 1 <= n <= 1024 or len(view) != 6 * n:
        refuse("SCAL")
    scaler = array("h", [n])
    scaler.extend(array("h", bytes(view)))
    for at in range(1, 3 * n, 3):
        if not 0 <= scaler[at + 1] < 8192 or not 0 <= scaler[at + 2] <= 28:
            refuse("SCAL")
    return scaler


def _strings(values, count: int) -> bool:
    return isinstance(values, list) and len(values) == count and all(
        isinstance(value, str) for value in values)


def complete(decision: dict) -> dict:
    """The decision with every key present, after checking each.

    combine "max" | "weighted"; weights {part: 0..256, default 128}; thresholds {part: Q8 score
    that counts as 1.0, default 256}; threshold Q8 of the combined score, default 256;
    smoothing {"kind": "none"} | {"kind": "median", "n": odd} | {"kind": "ewma", "shift": 1..8};
    vote {"m": 1, "n": 1}. Parts are "kmeans" and "network". Raises `BundleError`.
    """
    smoothing = _object(decision, "smoothing")
    vote = _object(decision, "vote")
    m = _int(vote, "m", 1, 1, 63)
    full = {
        "combine": decision.get("combine", "max"),
        "threshold": _int(decision, "threshold", 256, 1, _SCORE_MAX),
        "smoothing": {
            "kind": smoothing.get("kind", "none"),
            "n": _int(smoothing, "n", 5, 1, 63) | 1,
            "shift": _int(smoothing, "shift", 3, 1, 8),
        },
        "vote": {"m": m, "n": _int(vote, "n", m, m, 63)},
    }
    for key, default, low, high in (("weights", 128, 0, 256), ("thresholds", 256, 16, _SCORE_MAX)):
        given = _object(decision, key)
        full[key] = {
            "kmeans": _int(given, "kmeans", default, low, high),
            "network": _int(given, "network", default, low, high),
        }
    if (full["combine"] not in ("max", "weighted") or full["smoothing"]["kind"] not in (
            "none", "median", "ewma") or sum(full["weights"].values()) == 0):
        refuse("DECI")
    return full


def _object(decision: dict, key: str) -> dict:
    value = decision.get(key) or {}
    if not isinstance(value, dict):
        refuse("DECI " + key)
    return value


def _int(values: dict, key: str, default: int, low: int, high: int) -> int:
    value = values.get(key, default)
    if type(value) is not int or not low <= value <= high:
        refuse("DECI " + key)
    return value
