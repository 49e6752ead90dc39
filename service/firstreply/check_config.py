"""What a reload from one configuration to another would change, and whether it would be refused.

For ``check-config --against``: the same judgement as that of the running service.
"""

from collections.abc import Iterator

from firstreply.config.changes import changes_between
from firstreply.policies import policy_book
from firstreply.reloading import bounds_of, needing_a_restart
from firstreply.settings import Settings


class Comparison:
    """The difference between two configurations.

    Args:
        before: the one in force.
        after: the one that is to be.
    """

    def __init__(self, before: Settings, after: Settings) -> None:
        self._changes = changes_between(before, after)
        bounds = bounds_of(policy_book(before))
        self.needs_restart = needing_a_restart(self._changes, policy_book(after), bounds)
        """A line for each key for which a reload is refused."""

    def as_lines(self) -> Iterator[str]:
        """Yield it for a person."""
        for change in self._changes:
            yield str(change)
        if not self._changes:
            yield "nothing changes"
        elif not self.needs_restart:
            yield "a reload puts it in force"
        else:
            yield "a reload would be refused:"
            yield from (f"  {line}" for line in self.needs_restart)

    def as_dict(self) -> dict[str, object]:
        """Return it for a program."""
        return {
            "changes": [
                {
                    "key": change.key,
                    "before": change.before,
                    "after": change.after,
                    "applies": change.applies.value,
                }
                for change in self._changes
            ],
            "needs_restart": self.needs_restart,
        }
