"""What a reader chooses at the top of a board, and which Prometheus it asks.

The data source is a variable of every board, so that no board names one.
"""

from dataclasses import dataclass

from firstreply.dashboards.model import DATASOURCE, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What a reader chooses at the top of a board: values of a label."""

    name: str
    label: str
    query: str
    """``label_values(metric, label)``."""
    many: bool = False
    """Several at once, or all of them; all of them at first."""

    def as_json(self) -> Json:
        """Return it as a variable of the type query."""
        everything: Json = {"text": "All", "value": "$__all"}
        return {
            "type": "query",
            "name": self.name,
            "label": self.label,
            "datasource": DATASOURCE,
            "query": {"query": self.query, "refId": self.name},
            "refresh": 1,  # when the board is opened
            "sort": 1,
            "regex": "",
            "hide": 0,
            "multi": self.many,
            "includeAll": self.many,
            **({"allValue": ".*", "current": everything} if self.many else {}),
        }


def datasource_variable(label: str, *, shown: bool) -> Json:
    """Return the variable by which a board finds its Prometheus."""
    return {
        "type": "datasource",
        "name": "datasource",
        "label": label,
        "query": "prometheus",
        "regex": "",
        "hide": 0 if shown else 2,
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "current": {"text": "default", "value": "default"},
    }
