"""First response latency with Faust: an agent, a model and a table, as its user guide has them.

``python faust_peer.py SERVERS TOPIC GROUP TOTAL FOLDER``, until it is ended. The
table is in memory with a changelog in Kafka; everything else is as Faust has it by default, with
its ``fast`` bundle.
"""

# ruff: noqa: INP001 - a folder of scripts is no package

import sys

import faust
from tally import Tally

servers, topic_name, group, total, folder = sys.argv[1:]
tally = Tally(int(total))
app = faust.App(
    group,
    broker=f"kafka://{servers}",
    store="memory://",
    datadir=folder,
    topic_partitions=4,
    topic_replication_factor=1,
)


class Event(faust.Record):
    """An event, with the members that the task needs."""

    contact_id: str
    type: str
    time: str
    channel: str
    actor: str


class Contact(faust.Record):
    """The state of a contact."""

    opened: str
    channel: str
    greeted: bool = False
    answered: bool = False


topic = app.topic(topic_name, value_type=Event)
contacts = app.Table("contacts", value_type=Contact)


@app.agent(topic)
async def measure(events: faust.Stream[Event]) -> None:
    """Fold the events into the table."""
    async for event in events:
        contact = contacts.get(event.contact_id)
        if event.type == "contact.opened":
            if contact is None:
                contacts[event.contact_id] = Contact(event.time, event.channel)
        elif event.type == "contact.responded" and contact is not None:
            if event.actor == "agent" and not contact.answered:
                tally.answered(contact.channel, contact.opened, event.time)
                contact.answered = True
            else:
                contact.greeted = True
            contacts[event.contact_id] = contact
        elif event.type == "contact.closed" and contact is not None:
            contacts.pop(event.contact_id)
        tally.passed()


if __name__ == "__main__":
    sys.argv[1:] = ["worker", "--without-web", "--loglevel", "error"]
    app.main()
