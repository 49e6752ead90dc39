"""``firstreply state``: looks at the state of a consumer group, and mends it while nobody runs.

``looking``   one partition: what ``firstreply run`` would find
``inspect``   the same as figures, ``verify`` as a list of what is wrong
``rebuild``   a lost state is folded anew out of the events, up to the group's commit
``adopt``     a renamed group goes on with the state of its old name
``writing``   what the last two share: nobody may run, a whole state, its commit
``opening``   connects; ``tables`` and ``progress`` are what a person sees
"""
