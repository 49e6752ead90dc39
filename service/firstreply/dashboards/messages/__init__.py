"""Every text of every board, in every language: the one table.

A board names a text by its key and gets it in the language it is built for; ``tests/dashboards``
finds keys that nobody uses, texts that are missing, and texts left untranslated. The words for
states are those of ``firstreply.words``, which the wall page reads, too.
"""

from firstreply.dashboards.messages.alerts import ALERTS, SILENT, Severity
from firstreply.dashboards.messages.speech import PANELS, TEXTS, Speech
from firstreply.dashboards.messages.text import PanelText, Text

__all__ = ["ALERTS", "PANELS", "SILENT", "TEXTS", "PanelText", "Severity", "Speech", "Text"]
