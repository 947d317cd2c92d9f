# SPDX-License-Identifier: Apache-2.0
"""Templates: one JSON file per kind of job, and how it adapts to the data at hand.

A template says what to compute for each domain (`views`), which model families to try and how to
alarm. Nothing in it names a data set. Where it says {"fit": [least, most]} the number follows from
the template's feature budget, the channels and the resolution of the data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.train import bearing
from tools.train import resolve as resolver

FOLDER = Path(__file__).parent.parent / "templates"
NAMES = ("vibration", "quality", "cold_chain", "operations")
_FALLBACK_WINDOW = 64


class TemplateError(ValueError):
    """An unknown or broken template, or one without a view for the data."""


@dataclass(frozen=True)
class Template:
    """A template file as read; `view` picks what fits a domain."""

    name: str
    text: Mapping[str, Any]

    @property
    def detector(self) -> Mapping[str, Any]:
        return self.text["detector"]

    @property
    def decision(self) -> dict[str, Any]:
        return dict(self.text["decision"])

    def with_classifiers(self, candidates: list[Mapping[str, Any]]) -> Template:
        """The same template with other candidates, whichever view applies."""
        return Template(self.name, {**self.text, "only_classifiers": candidates})

    def with_bearing(self, known: Mapping[str, Any]) -> Template:
        """The same template watching a bearing's frequencies too; see `bearing.parse`."""
        return Template(self.name, {**self.text, "bearing": known})

    def candidates(self, owner: Template) -> list[Mapping[str, Any]]:
        """Classifiers to try: the owner's of the view in use, unless narrowed down."""
        return list(self.text.get("only_classifiers", owner.text["classifier"]))

    def view(self, domain: str, parts: bool) -> tuple[Template, Mapping[str, Any]]:
        """The template that owns the first view for a domain, and that view."""
        for view in self.text["views"]:
            if domain in view["domains"] and view.get("parts", parts) == parts:
                if "from" in view:
                    return load(view["from"]).view(domain, parts)
                return self, view
        raise TemplateError(
            f"template {self.name} has no view for {domain} data; choose another one"
        )


def load(name: str) -> Template:
    """Read a template by name, or from the path of a JSON file."""
    path = FOLDER / f"{name}.json" if name in NAMES else Path(name)
    if path.suffix != ".json" or not path.is_file():
        raise TemplateError(f"no template {name!r}: use {', '.join(NAMES)} or a JSON file")
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise TemplateError(f"{path}: not valid JSON ({error}); correct it") from None
    lacking = [k for k in ("views", "detector", "classifier", "decision") if k not in text]
    if lacking:
        raise TemplateError(f"{path}: lacks {', '.join(lacking)}; start from a shipped template")
    return Template(str(text.get("name", path.stem)), text)


def configure(template: Template, facts: Mapping[str, Any], shortest: int) -> dict[str, Any]:
    """The resolved feature configuration of a template for one data set.

    shortest: samples of the shortest recording that must be judged. Raises TemplateError where
    that is shorter than the least window, ResolveError where features cannot be had.
    """
    owner, view = template.view(facts["domain"], facts.get("length") is not None)
    window = _window(view["window"], facts, shortest)
    section = {
        "window": window,
        "prime": view.get("prime", False),
        "features": [dict(f) for f in view["features"]],
    }
    if "hop" in view:
        section["hop"] = view["hop"]
    if "bearing" in template.text:
        bearing.extend(section, template.text["bearing"], facts, shortest)
    window = section["window"]
    samples = int(facts["length"]) if window == "part" else int(window["samples"])
    _fit(section["features"], owner.text["budget"], len(facts["channels"]), samples, facts)
    config = resolver.resolve(section, facts)
    if "restart_after" in view:
        config["restart_after"] = int(view["restart_after"]["intervals"])
    return config


def _window(rule: Any, facts: Mapping[str, Any], shortest: int) -> Any:
    length = facts.get("length")
    if rule == "part":
        if length is None:
            raise TemplateError("the template judges whole parts, but the recordings are streams")
        return "part"
    if length is not None and length <= rule.get("whole_part_up_to", 0):
        return "part"
    least = rule.get("at_least", _FALLBACK_WINDOW)
    if shortest < least:
        raise TemplateError(
            f"a recording has {shortest} samples, shorter than the least window of {least}: "
            "record longer or leave it out"
        )
    samples = rule["samples"]
    while samples > shortest:
        samples //= 2
    return {"samples": samples}


def _fit(
    features: list[dict[str, Any]],
    budget: int,
    channels: int,
    window: int,
    facts: Mapping[str, Any],
) -> None:
    """Replace {"fit": [least, most]} by the number the budget leaves for each channel."""
    fixed = sum(_outputs(f) for f in features if _wish(f) is None and not f.get("watch"))
    for feature in features:
        wish = _wish(feature)
        if wish is None:
            continue
        key, (least, most) = wish
        share = budget // channels - fixed
        resolution = _bins(window, facts) if key == "bands" else window
        number = max(1, min(max(least, min(most, share)), resolution))
        if key == "bands":
            spacing = feature["bands"].get("spacing", "linear")
            feature["bands"] = {"n": number, "spacing": spacing}
        else:
            feature[key] = number


def _outputs(feature: Mapping[str, Any]) -> int:
    """What an entry adds to the vector of each channel."""
    return len(feature.get("kinds") or feature.get("faults") or [0])


def _wish(feature: Mapping[str, Any]) -> tuple[str, tuple[int, int]] | None:
    for key in ("bands", "points"):
        value = feature.get(key)
        if isinstance(value, Mapping) and "fit" in value:
            return key, (value["fit"][0], value["fit"][1])
    return None


def _bins(window: int, facts: Mapping[str, Any]) -> int:
    """Independent bins of the spectrum of a window."""
    return window - 1 if facts["domain"] == "spectrum" else max(window // 2 - 1, 1)
