# SPDX-License-Identifier: Apache-2.0
"""Accept or refuse a model: parse, check against the sensor, run its self-test vectors.

Dropped when the pipelines are built.
"""

from firmware.model import Model
from tocsin import kernels
from tocsin.dsp.features import Extractor
from tocsin.models.errors import BundleError
from tocsin.models.file import open_bundle
from tocsin.models.scorer import Scorer
from tocsin.models.selftest import verify

_FOLDER = "models/"
_IN_RAM = 32768
"""Bytes of a network that is kept in RAM; the weights of a larger one are streamed from flash."""


def load(store, name: str, driver) -> Model:
    """Load /models/NAME for a sensor driver. Raises ValueError with the reason for a refusal."""
    file = store.open(_FOLDER + name)
    if file is None:
        raise BundleError("%s%s is missing; deploy it" % (_FOLDER, name))
    streams = False
    try:
        bundle = open_bundle(file, name, _IN_RAM)
        model = _accept(bundle, driver)
        streams = bundle.streams
    except OSError as error:
        raise BundleError("%s: %s" % (name, error)) from None
    finally:
        if not streams:
            file.close()
    return model


def _accept(bundle, driver) -> Model:
    _check_sensor(bundle.conf, driver)
    extractor = Extractor(bundle.conf)
    tolerance = 1 if kernels.BACKEND == "ulab" else 0
    scorer = note = None
    if not bundle.streams:
        try:  # what `tocsin codegen` made of this bundle, where it lies beside it
            module = __import__("models." + bundle.name.rsplit(".", 1)[0], None, None, ("Scorer",))
            if module.BUNDLE != bundle.crc:
                raise ValueError("made for another bundle; run tocsin codegen again")
            scorer = module.Scorer(bundle)
            verify(bundle, tolerance, extractor, scorer)
        except ImportError:
            pass
        except Exception as error:  # foreign code; the interpreter does the same
            note, scorer = "generated module not used: %s" % error, None
    if scorer is None:
        scorer = Scorer(bundle)
        verify(bundle, tolerance, extractor, scorer)
    extractor.reset()
    return Model(bundle, extractor, scorer, note)


def _check_sensor(conf: dict, driver) -> None:
    """Raises BundleError unless channels, scales and rate are those of the training data."""
    channels, given = conf["channels"], driver.channels
    if [c["name"] for c in channels] != [c["name"] for c in given]:
        _refuse("channels %s" % [c["name"] for c in channels])
    for i in range(len(given)):
        mine, theirs = channels[i], given[i]
        slack = abs(mine["scale"]) / 1000
        if mine["unit"] != theirs["unit"] or abs(mine["scale"] - theirs["scale"]) > slack \
                or abs(mine["offset"] - theirs["offset"]) > slack:
            _refuse("another scale of " + mine["name"])
    rate = conf.get("rate_mhz")
    if not rate and conf.get("interval_ms"):
        rate = 1_000_000 // conf["interval_ms"]
    if rate and driver.rate_mhz and abs(rate - driver.rate_mhz) > rate // 50 + 1:
        _refuse("%d mHz, not %d" % (rate, driver.rate_mhz))


def _refuse(what: str) -> None:
    raise BundleError("the model is for %s; train for this sensor" % what)
