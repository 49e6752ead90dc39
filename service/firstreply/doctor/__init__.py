"""``firstreply doctor``: finds out why a configuration and a Kafka do not work together.

``finding``      what a check found, and what to do about it
``reaching``     follows an address: name, port, certificate, login; and those that are advertised
``addresses``    the verdicts on these
``input_topic``  the topic of the events: there, whole, not compacted, kept, stamped
``own_topics``   dead letters, state and status: there, or could they be made
``permissions``  what this user may do
``group``        lag and members
``clock``        whether this machine and the brokers agree on the time
``sample``       keys and content of the last records
``questions``    asked of the brokers once we are in; ``commands`` mend what was found
``checkup``      all of them in order; what cannot be checked is skipped, saying what it needs
``text``         80 columns for a terminal; ``run`` prints and tells whether something failed

The checks only read. Each verdict is a function of what was seen, in ``adapters.kafka.probe``,
``link`` and ``sample``; it never quotes what a record holds.
"""
