"""The words of one explanation: its language, its clock, and names made harmless.

What the sentences, the tables and the list of events share.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from firstreply.domain.bands import NONE as NO_QUEUE
from firstreply.explanation.layout import name
from firstreply.explanation.messages import MESSAGES
from firstreply.explanation.model import BandStory, Explanation
from firstreply.explanation.moments import Clockface
from firstreply.words import Language

STDIN: Final = "standard input"
"""How a place names what was piped in."""


class Phrases:
    """Says things about one contact."""

    def __init__(self, story: Explanation, language: Language) -> None:
        self.story = story
        self._messages = MESSAGES[language]
        times = (story.opened_at, *(event.at for event in story.events))
        first = min((at for at in times if at is not None), default=None)
        self.clock = Clockface(language, story.timezone, first)

    def say(self, key: str, **values: object) -> str:
        """Return a message with its placeholders filled."""
        return self._messages[key].format(**values)

    @property
    def promise(self) -> BandStory | None:
        """The band of the promise, if the contact has one."""
        return next((band for band in self.story.bands if band.objective is not None), None)

    @property
    def channel(self) -> str:
        """The channel's name."""
        return "" if self.story.channel is None else name(self.story.channel.channel)

    def elapsed(self, seconds: float) -> str:
        """Write a duration that the customer feels."""
        return self.clock.duration(seconds, in_days=True)

    def opening(self, seconds: float) -> str:
        """Write a duration inside opening hours: never in days, which are no 24 hours there."""
        return self.clock.duration(seconds)

    def exact(self, seconds: float) -> str:
        """Write a duration that is part of a sum."""
        return self.clock.duration(seconds, exact=True)

    def percent(self, share: float) -> str:
        """Write a share."""
        return self.say("percent", value=self.clock.decimals(f"{100 * share:g}"))

    def queue_at(self, at: datetime) -> str:
        """Say which queue held the contact at an instant."""
        held = None
        for change in self.story.queue.changes:
            if change.at > at:
                break
            held = change
        if held is None:
            return self.say("in.none")
        kind = "in.queue" if held.queue == held.label else "in.other"
        return self.say(kind, queue=name(held.queue), label=name(held.label))

    def file(self, path: str) -> str:
        """Write the last part of a file's path, which tells it from others in nearly all cases."""
        return self.say("file.stdin") if path == STDIN else name(path.rpartition("/")[2])

    def label_of(self, queue: str) -> str | None:
        """Return the label under which a queue counts; None if that is not told any more."""
        changes = self.story.queue.changes
        return next((change.label for change in changes if change.queue == queue), None)

    def queue(self, label: str) -> str:
        """Say a queue label."""
        return self.say("charged.none" if label == NO_QUEUE else "charged.queue", queue=name(label))

    def listed(self, parts: Sequence[str]) -> str:
        """Join with commas and a last "and"."""
        if len(parts) < 2:
            return "".join(parts)
        return self.say("list.and", first=", ".join(parts[:-1]), last=parts[-1])
