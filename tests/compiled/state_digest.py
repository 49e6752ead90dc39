"""Print a digest of the state that the events of a file come to: python state_digest.py FILE."""

import hashlib
import sys
from pathlib import Path

import msgspec

from firstreply import wiring
from firstreply.adapters.records import FileRecord
from firstreply.config.load import load_settings
from firstreply.policies import policy_book


def main() -> None:
    """Fold in slices, with the timers between them, as the service does."""
    settings = load_settings(None, {})
    fold = wiring.new_fold(settings, policy_book(settings))(0, 0)
    lines = Path(sys.argv[1]).read_bytes().splitlines()
    records = [FileRecord(offset, line) for offset, line in enumerate(lines)]
    for first in range(0, len(records), 100):
        fold.fold(records[first : first + 100])
        fold.fire()
    state = msgspec.msgpack.encode(fold.engine.snapshot())
    print(len(state), hashlib.sha256(state).hexdigest())  # noqa: T201


if __name__ == "__main__":
    main()
