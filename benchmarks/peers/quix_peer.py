"""First response latency with Quix Streams: a stateful update, as its documentation has it.

``python quix_peer.py SERVERS TOPIC GROUP TOTAL FOLDER``, until it is ended. Its
state is RocksDB with a changelog in Kafka; everything else is as Quix Streams has it by default.
"""

# ruff: noqa: INP001 - a folder of scripts is no package

import sys

from quixstreams import Application, State
from tally import Tally

servers, topic_name, group, total, folder = sys.argv[1:]
tally = Tally(int(total))
app = Application(
    broker_address=servers,
    consumer_group=group,
    auto_offset_reset="earliest",
    state_dir=folder,
    loglevel="ERROR",
)


def measure(event: dict[str, str], state: State) -> None:
    """Fold an event into the state of its contact, which is the record's key."""
    contact = state.get("contact")
    if event["type"] == "contact.opened":
        if contact is None:
            state.set("contact", {"opened": event["time"], "channel": event["channel"]})
    elif event["type"] == "contact.responded" and contact is not None:
        if event["actor"] == "agent" and "answered" not in contact:
            tally.answered(contact["channel"], contact["opened"], event["time"])
            contact["answered"] = True
        else:
            contact["greeted"] = True
        state.set("contact", contact)
    elif event["type"] == "contact.closed" and contact is not None:
        state.delete("contact")
    tally.passed()


if __name__ == "__main__":
    stream = app.dataframe(app.topic(topic_name, value_deserializer="json"))
    stream.update(measure, stateful=True)
    app.run()
