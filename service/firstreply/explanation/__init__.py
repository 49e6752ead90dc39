"""The explanation of one contact: what is known of it, and why it counts as it does.

``explain_kept`` takes an engine and a contact id, ``explain`` a contact and what it is judged by;
an ``Explanation`` comes out, which ``msgspec.json.encode`` writes and ``render`` says in words, in
English or French. Pure: no clock, no configuration, no input or output.

It cannot tell another story than the counters do: verdicts, deadlines and windows come from the
same functions of the domain that the engine counts by (rules 1 to 15), and a property test compares
the two over random events.
"""

from firstreply.explanation.model import Explanation, Place, SeenEvent
from firstreply.explanation.story import explain, explain_kept
from firstreply.explanation.words import render

__all__ = ["Explanation", "Place", "SeenEvent", "explain", "explain_kept", "render"]
