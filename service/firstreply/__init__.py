"""firstreply: how fast an organisation answers its customers, measured from contact events.

The package is layered (see ``docs/architecture.md``): ``domain`` holds the rules and reads no
clock, ``processor`` folds records through it, ``adapters`` are the edges, ``app`` wires, ``cli`` is
what people type. A lower layer never imports a higher one; ``make check`` proves it.
"""

__version__ = "0.1.0"
