"""Every example runs without a warning, ends well and leaves its picture."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))


def test_there_are_examples():
    assert {script.name[:2] for script in SCRIPTS} >= {f"{k:02}" for k in range(1, 8)}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example(script, tmp_path):
    copy = Path(shutil.copy(script, tmp_path))
    ended = subprocess.run(
        [sys.executable, "-W", "error", copy],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr
    assert ended.stderr == ""
    picture = tmp_path / "figures" / f"{script.stem}.png"
    assert f"figures/{picture.name}" in ended.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000
    assert {path.name for path in tmp_path.iterdir()} == {"figures", script.name}
