"""What prometheus-client knows of this process: memory, CPU, open files, garbage collection.

Its own registry, so that nothing global is shared; rendered apart from the contact figures, which
stay the same for every process that counted the same events.
"""

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.exposition import generate_latest as text_exposition
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_exposition

_END = b"# EOF\n"


class ProcessMetrics:
    """The standard ``process_*`` and ``python_gc_*`` metrics."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def render(self, *, openmetrics: bool) -> bytes:
        """Return the families as they are now, without an end mark: others follow."""
        if openmetrics:
            body: bytes = openmetrics_exposition(self._registry)  # type: ignore[no-untyped-call]
            return body.removesuffix(_END)
        return text_exposition(self._registry)
