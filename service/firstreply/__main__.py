"""``python -m firstreply``."""

from firstreply.cli import main

main()
