"""``firstreply dlq``: looks at the dead letters, and sends them to the input again.

``choosing``    reads all letters once, and picks those that filters let through
``listing``     counts them by reason and keeps the newest
``showing``     one letter: its headers, its value, what ``check-event`` says of it now
``replaying``   which of them can be sent, why the others are held back, and the sending
``run``         connects; ``tables`` and ``escaping`` are what a person sees

Letters are never changed or deleted, so each command may be given again.
"""
