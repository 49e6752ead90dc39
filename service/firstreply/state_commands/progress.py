"""A bar on a terminal while the commands read, fold and write; nothing elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from firstreply.keeping.reading import Told


@contextmanager
def progress(title: str) -> Iterator[Told]:
    """Yield what is to be called with the share that is done."""
    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bars:
        task = bars.add_task(title, total=1.0)

        def told(share: float) -> None:
            bars.update(task, completed=share)

        yield told
