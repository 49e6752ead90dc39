"""A copy of the shipped Alertmanager configuration that talks to a test instead of the world.

Routes, groups, inhibitions and templates stay as they are. Replaced are only what every operator
replaces - addresses and secrets - and, so that a test need not wait, how long a group waits:

====================  =========  =======================================================
key                   in a test  what it decides
====================  =========  =======================================================
``group_wait``        1s         how long the first message of a group waits for others
``group_interval``    2s         how soon a change of the group is told
``repeat_interval``   2s, or 1h  how often the same is told: the dead man's switch, others
====================  =========  =======================================================
"""

import re
from pathlib import Path
from typing import Final

from tests.alertmanager.messages import DEPLOY, TEMPLATES

_SECRETS: Final = "/etc/alertmanager/secrets"
NOWHERE: Final = "http://127.0.0.1:9"  # the discard port: refused at once


def write_deployment(folder: Path, *, http: str = NOWHERE, smtp: str = "127.0.0.1:9") -> Path:
    """Write the copy into a folder, with its templates and secrets, and return its path.

    Args:
        folder: empty.
        http: where Slack (``/slack``), the webhook (``/webhook``) and the dead man's switch
            (``/dead-man-switch``) are; without TLS.
        smtp: host and port of the mail server.
    """
    (folder / "templates").symlink_to(TEMPLATES)
    secrets = folder / "secrets"
    secrets.mkdir()
    for name in ("smtp_password", "webhook_token", "dead_man_switch_token"):
        (secrets / name).write_text(f"the {name}")
    (secrets / "slack_url").write_text(f"{http}/slack")
    text = (DEPLOY / "alertmanager.yml").read_text()
    for pattern, replacement in (
        (_SECRETS, str(secrets)),
        (r"https://hooks\.contact-centre\.example/firstreply", f"{http}/webhook"),
        (r"https://dead-man-switch\.example/firstreply", f"{http}/dead-man-switch"),
        (r'smtp_smarthost: ".*"', f'smtp_smarthost: "{smtp}"\n  smtp_require_tls: false'),
        (r"\bgroup_wait: \w+", "group_wait: 1s"),
        (r"\bgroup_interval: \w+", "group_interval: 2s"),
        (r"\brepeat_interval: 1m\b", "repeat_interval: 2s"),
        (r"\brepeat_interval: \d+[md]\b|\brepeat_interval: [2-9]\w*h\b", "repeat_interval: 1h"),
    ):
        text, found = re.subn(pattern, replacement, text)
        assert found, f"{pattern} is not in alertmanager.yml any more"
    path = folder / "alertmanager.yml"
    path.write_text(text)
    return path
