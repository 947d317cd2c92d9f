# SPDX-License-Identifier: Apache-2.0
"""What goes onto a board stays small, and a template loads only what it uses."""

import json

import pytest

from tools import loaded, sizes
from tools.mpy import ARCHES, ROOT, device_files


@pytest.fixture(scope="module")
def boots() -> dict[str, loaded.Loaded]:
    return {name: loaded.loaded_modules(name) for name in loaded.template_names()}


@pytest.fixture(scope="module")
def modules(boots) -> dict[str, set[str]]:
    return {name: found.running for name, found in boots.items()}


@pytest.mark.parametrize("name", loaded.template_names())
@pytest.mark.parametrize("arch", ARCHES)
def test_template_loads_less_than_64_kb(modules, name, arch):
    paths = loaded.native(modules[name], arch)
    assert 30_000 < sizes.weight(paths, arch) < sizes.LIMIT


def test_templates_load_only_what_they_use(boots):
    modules = {name: found.running | found.starting for name, found in boots.items()}
    spectral = "lib/tocsin/dsp/spectral.py"
    cold_chain = "lib/tocsin/monitor/coldchain.py"
    forest = "lib/tocsin/models/forest.py"
    assert {name for name, paths in modules.items() if spectral in paths} == {"vibration"}
    assert {name for name, paths in modules.items() if cold_chain in paths} == {"cold_chain"}
    assert {name for name, paths in modules.items() if forest in paths} == set()


def test_console_is_loaded_only_when_somebody_types(modules):
    console = set(sizes.console_modules())
    assert {"firmware/console_set.py", "firmware/audit.py"} <= console
    assert all((ROOT / path).is_file() for path in console)
    for paths in modules.values():
        assert not console & paths
        assert "firmware/terminal.py" in paths


def test_accepted_config_is_not_checked_again(boots):
    checker = "lib/tocsin/config/schema.py"
    for found in boots.values():
        assert checker in found.new_config
        assert checker not in found.running | found.starting


def test_what_builds_the_app_is_dropped(boots):
    for found in boots.values():
        assert {
            "firmware/compose.py",
            "firmware/config.py",
            "firmware/loader.py",
            "firmware/units.py",
            "lib/tocsin/dsp/table.py",
            "lib/tocsin/models/bundle.py",
            "lib/tocsin/models/file.py",
            "lib/tocsin/models/selftest.py",
        } <= found.starting


@pytest.mark.parametrize(
    ("arch", "best"), [("armv6m", "thumb"), ("xtensawin", "xtensa"), ("rv32imc", "rv32")]
)
def test_native_kernels_stand_alone(modules, arch, best):
    for always in modules.values():
        paths = loaded.native(always, arch)
        assert any(f"/kernels/{best}_time" in path for path in paths)
        for path in paths:
            if "/kernels/reference" in path:
                assert not (ROOT / path.replace("reference", best)).is_file()


def test_what_is_loaded_is_shipped(modules):
    shipped = {path.relative_to(ROOT).as_posix() for path in device_files()}
    for always in modules.values():
        for arch in ARCHES:
            paths = loaded.native(always, arch)
            assert {"boot.py", "main.py", "firmware/app.py"} <= paths <= shipped


def test_report_has_the_agreed_keys(boots, tmp_path, monkeypatch):
    monkeypatch.setattr(sizes, "loaded_modules", boots.get)
    monkeypatch.setattr(sizes, "OUT", tmp_path / "sizes.json")
    monkeypatch.setattr("sys.argv", ["sizes"])
    sizes.main()
    report = json.loads((tmp_path / "sizes.json").read_text())
    assert set(report["loaded"]) == set(loaded.template_names())
    row = report["modules"]["lib/tocsin/kernels/fixed.py"]
    assert row["lines"] > 50
    assert 500 < row["mpy_bytes"] < 5000
