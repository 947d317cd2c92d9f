# SPDX-License-Identifier: Apache-2.0
"""Put the unchanged device files, a config and models into an emulated board's directory."""

import json
import shutil
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


def deploy(root: Path, config: dict[str, Any] | str, models: dict[str, Path | bytes] | None = None,
           project: Path = PROJECT, board: str | None = None) -> Path:
    """Make `root` a freshly flashed board and return it.

    config: the device configuration, or raw text (to deploy a broken one). models: file name ->
    bundle, stored in /models. board: name of a file in board_configs, stored as /board.json.
    """
    shutil.rmtree(root, ignore_errors=True)
    (root / "models").mkdir(parents=True)
    for name in ("boot.py", "main.py"):
        shutil.copy(project / name, root / name)
    ignore = shutil.ignore_patterns("__pycache__", "*.md", "manifest.py")
    shutil.copytree(project / "firmware", root / "firmware", ignore=ignore)
    shutil.copytree(project / "lib", root / "lib", ignore=ignore)
    text = config if isinstance(config, str) else json.dumps(config)
    (root / "config.json").write_text(text)
    if board is not None:
        shutil.copy(project / "board_configs" / f"{board}.json", root / "board.json")
    for name, bundle in (models or {}).items():
        data = bundle if isinstance(bundle, bytes) else bundle.read_bytes()
        (root / "models" / name).write_bytes(data)
    return root
