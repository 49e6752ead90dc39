"""The policies in force, and the names that producers use for channels and queues."""

from firstreply.domain.bands import NONE, OTHER, Policy


class PolicyBook:
    """The policies in force, by channel, and the names producers use for channels and queues.

    Everything that goes by the configuration of a process holds one and the same book, so that a
    reload puts another content in force for all of it in one step (``replace``).

    Args:
        policies: one per channel; a channel named ``other`` must be among them.
        aliases: other spellings of a channel, to its name.
        queues: the queues listed for a channel; any other becomes ``other``.
    """

    def __init__(
        self,
        policies: list[Policy],
        *,
        aliases: dict[str, str] | None = None,
        queues: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._put_in_force(policies, aliases or {}, queues or {})
        self.replaced = False
        """Whether another content was put in force since it was made."""

    def _put_in_force(
        self,
        policies: list[Policy],
        aliases: dict[str, str],
        queues: dict[str, tuple[str, ...]],
    ) -> None:
        self.policies = {policy.channel: policy for policy in policies}
        self.digests = {policy.channel: policy.digest() for policy in policies}
        self.aliases = dict(aliases)
        self.queues = {name: queues.get(name, ()) for name in self.policies}
        self._channel_names = {**{name: name for name in self.policies}, **self.aliases}
        self._queue_names = {
            channel: {queue: queue for queue in names} for channel, names in self.queues.items()
        }

    def replace(self, by: "PolicyBook") -> None:
        """Take over the content of another book."""
        self._put_in_force(list(by.policies.values()), by.aliases, by.queues)
        self.replaced = True

    def keeping(self, before: "PolicyBook") -> "PolicyBook":
        """Return this book with the channels that only an earlier one has.

        For whoever shows figures: those of a channel that left the configuration stay, and what
        still waits on it is measured. No name leads to it, so nothing new starts there.
        """
        left = before.policies.keys() - self.policies.keys()
        return PolicyBook(
            [*self.policies.values(), *(before.policies[name] for name in sorted(left))],
            aliases=self.aliases,
            queues={**before.queues, **self.queues},
        )

    def channel(self, raw: str) -> tuple[str, bool]:
        """Resolve a channel as a producer wrote it to its name, and say whether it is listed."""
        name = self._channel_names.get(raw)
        if name is None:
            name = self._channel_names.get(raw.strip().casefold())
        return (OTHER, False) if name is None else (name, True)

    def queue(self, channel: str, raw: str | None) -> str:
        """Resolve a queue for a label: listed as it is, unlisted ``other``, absent ``none``."""
        if not raw:
            return NONE
        return self._queue_names.get(channel, {}).get(raw, OTHER)
