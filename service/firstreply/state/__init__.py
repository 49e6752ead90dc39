"""The state log as values: what a partition's checkpoints hold, and how a state comes out of them.

``chunk``    one checkpoint as the records of the state log, and back
``body``     what these records carry: contacts, removed ids, policies
``writer``   the next checkpoint of one hold on a partition, piece by piece
``chain``    which of the checkpoints in a log to go on from
``stored``   a checkpoint as it lies in the log
``assembly`` the state of a chain, piece by piece

Bytes in, values out: nothing here reads, waits, or looks at a clock. The adapter that appends and
reads (``adapters.kafka``) and the processor drive it.
"""
