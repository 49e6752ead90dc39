"""The reference of the event contract, generated: ``events.schema.json`` and ``events.md``.

``python -m firstreply.adapters.contract_reference docs/reference`` writes both; a test fails when
the committed files are not what this module makes.
"""

import json
import sys
from pathlib import Path

from firstreply.adapters.contract import schema
from firstreply.adapters.contract_models import MODELS, PublishedEvent
from firstreply.adapters.json_text import MAX_DEPTH
from firstreply.rejection import MAX_TEXT, MEANING

SCHEMA_FILE = "events.schema.json"
REFERENCE_FILE = "events.md"

_HEAD = f"""\
<!-- Generated from the models of the contract; do not edit. -->

# Contact events

A contact event says what happened to one *contact*: one conversation that a customer starts. Events
are JSON in UTF-8, one per Kafka record or per line of a file. The key of the Kafka record is the
contact id, so that the events of a contact stay in one partition, in order.

The machine-readable form is [events.schema.json]({SCHEMA_FILE}) (JSON Schema, draft 2020-12).
`firstreply check-event < event.json` says what an event becomes, or everything that is wrong with
it.

All topics with their keys, headers and messages: [asyncapi.json](asyncapi.json) (AsyncAPI 3.0).

## Members
"""

_RULES = f"""\
- Unknown members are ignored. An event of an unknown type is counted and ignored, whatever else is
  wrong with it.
- A member that is `null`, or a text that is empty or white space only, counts as absent. `channel`,
  `queue` and `reason` are stripped of white space; ids are opaque and kept as they are.
- No text of a member is longer than {MAX_TEXT} characters, an event no larger than 1 MiB
  (configurable) and nested no deeper than {MAX_DEPTH} levels. Of a member given twice the last
  counts.
- Without `id`, the event's identity is made of its type, time and actor; two events of a contact
  that agree in all three then count as one.

## Time

`time` says when it happened, never when it was sent. It is one of:

- RFC 3339 with seconds and an offset: `2026-03-02T09:15:00Z`, `2026-03-02T10:15:00.25+01:00`. A
  space for `T`, small letters and an offset without colon (`+0100`) are read too.
- a number (flat form only): below 1e11 seconds since 1970, from there to below 1e14 milliseconds.
  From 1e14 on it is rejected, as only a finer unit can be meant.

Times are kept in whole microseconds. A finer fraction of a text is rounded half up; a number is
rounded to the nearest microsecond. A time without offset is rejected, for nobody can know which
zone was meant. So is a leap second (`23:59:60`), which has no instant of its own in Unix time: send
`23:59:59`. So is a time before 1970, after 2100-01-01T00:00:00Z, or more than a day after the
record's own timestamp where it has one (in Kafka it has, in a file it need not).

Where `time` is absent the event is rejected, unless the service is configured to take the record's
own timestamp, which it then counts.

## CloudEvents

An event may also come as a CloudEvent 1.0. The shape is recognised in this order:

1. a `content-type` header that begins with `application/cloudevents`: *structured* mode, the value
   is the envelope in its JSON format;
2. a `ce_specversion` header: *binary* mode, the attributes are `ce_*` headers, the value is the
   data;
3. a `specversion` in the value: structured mode without the header, as in a file;
4. otherwise the flat form.

Names of headers are read in any case; of a header given twice the last counts; a header without a
value is absent; foreign headers are not looked at.

| here | from the CloudEvent |
| --- | --- |
| `type` | `type`, with an optional prefix and version: `org.example.contact.opened.v1` |
| `id` | `source` + `/` + `id`: both are required and together identify a CloudEvent |
| `time` | `time`, RFC 3339 only |
| `contact_id` | `contact_id` in the data, else the `partitionkey` attribute |
| the rest | the data, a JSON object (`data`, or `data_base64`) |

`subject` and the key of the record are not consulted, so that an event means the same in a topic
and in a file. Only `specversion` 1.0 is read; batches are not.

## Rejected events

A rejected record goes to the dead-letter topic byte for byte, with the reason in a header; the same
word is the label of `firstreply_events_rejected_total`. When several things are wrong, the reason
is the first of: no value; oversize; not JSON; the type; a member of the wrong type or length; a
CloudEvent without specversion, source or id; the contact id; the time; what the type of the event
requires. The headers of a binary CloudEvent are judged before its value.

| reason | meaning |
| --- | --- |
"""


def schema_text() -> str:
    """Return the content of ``events.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def reference_text() -> str:
    """Return the content of ``events.md``."""
    parts = [_HEAD, _members(), "\n", _RULES]
    parts += [f"| `{reason}` | {meaning} |\n" for reason, meaning in MEANING.items()]
    parts += ["\n## Types\n", *(_type(name, model) for name, model in MODELS.items())]
    return "".join(parts)


def _members() -> str:
    lines = ["\n| member | required | meaning |\n| --- | --- | --- |\n"]
    lines.append("| `type` | always | What happened; see the types below. |\n")
    for name, field in PublishedEvent.model_fields.items():
        lines.append(f"| `{name}` | {_required(name)} | {field.description}{_values(name)} |\n")
    return "".join(lines)


def _required(name: str) -> str:
    demanding = [kind for kind, model in MODELS.items() if model.model_fields[name].is_required()]
    if len(demanding) == len(MODELS):
        return "always"
    return ", ".join(f"`{kind}`" for kind in demanding) or "no"


def _values(name: str) -> str:
    values = {
        "actor": "`customer`, `agent`, `bot` or `system`",
        "direction": "`inbound` or `outbound`",
    }
    return f" One of {values[name]}." if name in values else ""


def _type(name: str, model: type[PublishedEvent]) -> str:
    example = model.model_json_schema()["examples"][0]
    text = (model.__doc__ or "").strip().replace("``", "`")
    return f"\n### {name}\n\n{text}\n\n```json\n{json.dumps(example)}\n```\n"


def write(folder: Path) -> None:
    """Write both files into a folder that exists."""
    (folder / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
    (folder / REFERENCE_FILE).write_text(reference_text(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
