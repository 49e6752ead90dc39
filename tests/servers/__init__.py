"""Real servers for the tests: where their programs are, how they start on loopback and end."""
