"""What the wall and ``/api/v1`` show, as data: of this process, of its group, and as documents.

``rolling`` sums what was counted lately; ``urgent`` finds who is next; ``status`` is what one
process tells the others each second; ``group`` makes one picture of several; ``bodies`` and
``documents`` are what goes out as JSON; ``live`` turns all of it once a second. Nothing here knows
HTTP, Kafka or the settings.
"""
