"""The regression guard of the hot path: instructions are counted, no time is taken.

``python benchmarks/opcodes.py --by-function`` says where they are spent. Whoever made an event
cheaper commits the new figure here, so that the gain is guarded too.
"""

import subprocess
import sys
from typing import Final

import pytest

from tests.shared import ROOT

COMMITTED: Final = {(3, 11): 1724.5}
"""Bytecode instructions an event, by version of Python."""
MARGIN: Final = 1.01


@pytest.mark.skipif(
    sys.version_info[:2] not in COMMITTED, reason="no figure is committed for this Python"
)
def test_an_event_costs_no_more_instructions_than_was_committed() -> None:
    # In a process of its own: coverage and debuggers trace this one.
    env = {"PYTHONPATH": str(ROOT / "service")}  # plain, whatever is installed
    command = [sys.executable, str(ROOT / "benchmarks" / "opcodes.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= COMMITTED[sys.version_info[:2]] * MARGIN
