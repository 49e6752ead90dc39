"""Real servers on loopback for ``make demo-kafka`` and the tests; the service never imports it."""
