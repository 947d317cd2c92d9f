# SPDX-License-Identifier: Apache-2.0
"""Accept or refuse a model: parse, check against the sensor, run its self-test vectors."""

from tocsin import kernels
from tocsin.dsp.features import Extractor
from tocsin.models.bundle import BundleError, parse
from tocsin.models.scorer import Scorer
from tocsin.models.selftest import verify
from tocsin.models.smoothing import Decision

_FOLDER = "models/"
_IN_RAM = 32768
"""Bytes of a bundle up to which all of it is kept in RAM; the weights of a larger one are streamed."""


class Model:
    """A bundle that passed: bundle, extractor, scorer, decision."""

    def __init__(self, bundle, extractor):
        self.bundle = bundle
        self.extractor = extractor
        self.scorer = Scorer(bundle)
        self.decision = Decision(bundle.decision)


def load(store, name: str, driver) -> Model:
    """Load /models/NAME for a sensor driver. Raises ValueError with the reason for a refusal."""
    data = store.read(_FOLDER + name, _IN_RAM)
    if data is not None:
        return _accept(parse(data, name), driver)
    file = store.open(_FOLDER + name)
    if file is None:
        raise BundleError("%s%s is missing; deploy it" % (_FOLDER, name))
    from tocsin.models.streamed import open_bundle

    model = None
    try:
        model = _accept(open_bundle(file, name, _IN_RAM), driver)
    except OSError as error:
        raise BundleError("%s: %s" % (name, error)) from None
    finally:
        if model is None:
            file.close()
    return model


def _accept(bundle, driver) -> Model:
    _check_sensor(bundle.conf, driver)
    extractor = Extractor(bundle.conf)
    verify(bundle, 1 if kernels.BACKEND == "ulab" else 0, extractor)
    extractor.reset()
    return Model(bundle, extractor)


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
