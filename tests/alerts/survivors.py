"""The mutants that no unit test notices, and why none can or need.

Each entry is a pattern on the mutant's id and the reason that holds for all it matches. Only what
is equivalent, or differs only where the service never is, belongs here; all else wants a test.
"""

import re
from typing import Final

from tests.alerts.mutants import Mutant

SURVIVORS: Final = (
    (r"NobodyAnswering: #\d+ 0\.5 to (0\.25|1)$",
     "increase() never shows a part of an answer: it is 0, or 1 and more"),
    (r"NobodyAnswering: #(20|26|52|55|81|86|106|111) (> to >=|< to <=)$",
     "half a contact does not exist"),
    (r"(ContactOverdue: #4|StateEvicted: #0|ClockSkew: #6) > to >=$", "nor half an event"),
    (r"NoContactsWhenOpen: #4 < to <=$", "what remains of corrections is never just a half"),
    (r"(StateEvicted: #5|ClockSkew: #10) 0\.5 to 0\.25$",
     "increase() never shows a part of an event: it is 0, or 1 and more"),
    (r"ContactOverdue: #21 sum to max$|NobodyAnswering: #(21|127) sum to max$",
     "whether any is above 0, or all are 0, is the same of the sum and of the greatest"),
    (r"NobodyAnswering: #\d+ (\+ to -|\* to /)$", "0 times the limit only carries its labels"),
    (r"contact_promise_(objective:ratio: #2|threshold:seconds: #1) max to min$",
     "all processes have one configuration"),
    (r"decided_net:increase5m: #5 max to min$", "all processes have one configuration"),
    (r"expectation_index:ratio\w+: #\d+ max to min$", "all processes have one configuration"),
    (r'contact_received:increase1h: #13 direction="out" taken away$',
     "or adds only what is not there, and what came in is"),
    (r"broken_limit:ratio \w+: #0 on without", "one promise a channel; a band's name is its limit"),
    (r"broken_limit:ratio \w+: #3 < to <=$", "where factor and cap are equal, either is right"),
    (r"figures_steady:bool: #5 bool taken away$", "nothing or 0, it is 0 in the end"),
    (r"EventsRejected: (#8 > to >=|#19 0 to 1)$",
     "five rejected are asked for, so there is something to divide by"),
    (r"BudgetExhausted: (#7 > to >=|#9 0 to 1)$",
     "twenty decided are asked for, so there is something to divide by"),
    (r"Watchdog: #1 1 to", "it fires whatever its value"),
)  # fmt: skip
"""Mutants, as patterns, and why nothing can or need tell them from the rule."""


def explained(mutant: Mutant) -> bool:
    """Whether it may survive."""
    return any(re.search(pattern, mutant.id) for pattern, _ in SURVIVORS)
