"""The faster world leaves the rules what they are."""

import re
import subprocess
from pathlib import Path

import yaml

from tests.end_to_end.faster import faster, faster_query, write_rules
from tests.shared import ROOT


def test_ranges_subqueries_and_offsets_are_divided_and_nothing_else() -> None:
    query = "sum_over_time(a:increase5m[1h:5m] offset 1w) - b[30m] > 120 and c[4h]"

    divided = faster_query(query, 60)

    assert divided == (
        "sum_over_time(a:increase5m[60000ms:5000ms] offset 10080000ms) - b[30000ms] > 120 "
        "and c[240000ms]"
    )


def test_a_duration_never_becomes_zero() -> None:
    assert faster("5m", 100) == "3000ms"
    assert faster("10ms", 100) == "1ms"


def test_the_faster_rules_are_the_shipped_ones_but_for_their_durations(
    promtool: Path, tmp_path: Path
) -> None:
    write_rules(tmp_path, 100)

    for path in sorted((ROOT / "alerts").glob("*.yml")):
        quick = tmp_path / "rules" / path.name
        checked = subprocess.run(
            [promtool, "check", "rules", quick], capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stdout
        assert without_durations(quick) == without_durations(path)


def without_durations(path: Path) -> object:
    """Return a rule file as YAML has it, with every duration blanked."""
    text = yaml.safe_dump(yaml.safe_load(path.read_text()), width=10**6)
    text = re.sub(r"(\[|\[\w+:|offset )\d+(ms|[smhdw])", r"\1_", text)
    text = re.sub(r"(\[_:)\d+(ms|[smhdw])", r"\1_", text)
    return re.sub(r"(?m)^( *(?:- )?(?:for|keep_firing_for|interval): )\S+$", r"\1_", text)
