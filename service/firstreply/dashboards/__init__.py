"""The Grafana dashboards, generated: one readable source for both languages and every panel.

Out come four boards in Grafana's classic model: the wall, one channel, the promises, the pipeline.
``dashboards/`` in the repository holds what this writes, and ``firstreply dashboards export``
writes it anywhere, with other addresses. What a board asks Prometheus are the names of
``docs/reference/metrics.md`` and of ``alerts/recording.yml``.

==================================  ================================================
``wall channel promises pipeline``  one board each: its panels, placed
``wall_columns heat``               the parts that need most thought
``looks promql links palette``      what boards share: words, queries, addresses, colours
``stats panels variables model``    how Grafana says it; ``layout``: where
``messages``                        every text, in every language
``export reference``                boards to files, and to a page
==================================  ================================================

Imports the standard library and ``words`` only: no service is needed to build a board.
"""

from collections.abc import Iterator

from firstreply.dashboards import channel, pipeline, promises, wall
from firstreply.dashboards.links import RUNBOOKS, Runbooks
from firstreply.dashboards.messages import Speech
from firstreply.dashboards.model import Board
from firstreply.words import Language

__all__ = ["RUNBOOKS", "Board", "boards"]


def boards(language: Language, runbooks: str = RUNBOOKS) -> Iterator[Board]:
    """Yield every board in one language; ``runbooks`` is the base address of the runbooks."""
    speech, pages = Speech(language), Runbooks(runbooks.rstrip("/"), language)
    for source in (wall, channel, promises, pipeline):
        yield source.board(speech, pages)
