"""The rules of the clock, free of any input or output.

Nothing in here reads a clock, a random source, the environment, a file or the network: instants
come in as arguments, results go out as values. It imports the standard library and msgspec only.
"""
