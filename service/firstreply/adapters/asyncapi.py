"""The AsyncAPI 3.0 document: the topics that firstreply reads and writes, with their messages.

Generated from the models of the contract, the headers of dead letters and the status as it is
written; committed as ``docs/reference/asyncapi.json``, which a test keeps equal to this. Schemas
are those of AsyncAPI itself, a superset of JSON Schema draft 07, for every tool reads these: what
newer drafts spell otherwise is respelled here.

The state topic is left out on purpose: its form is ours alone and may change (decision 8).
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic.json_schema import models_json_schema

from firstreply.adapters.contract_models import MODELS, PublishedEvent
from firstreply.adapters.kafka import letter
from firstreply.domain.events import EventType
from firstreply.rejection import MEANING
from firstreply.wall.status import ProcessStatus

FILE: Final = "asyncapi.json"
CONTRACT_VERSION: Final = "1"
"""Of the events, as in the id of their JSON Schema; not that of the service."""

KAFKA_BINDING: Final = "0.5.0"
STATUS_RETENTION_MS: Final = 600_000
"""As ``adapters.kafka.status_topic`` makes the topic."""

Json = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/{model}"
_TEXT: Final[Json] = {"type": "string"}
_NUMBER: Final[Json] = {"type": "string", "pattern": "^[0-9]+$"}
_HEADERS_OF_LETTERS: Final[dict[str, Json]] = {
    letter.TOPIC: {**_TEXT, "description": "Topic of the rejected record."},
    letter.PARTITION: {**_NUMBER, "description": "Its partition."},
    letter.OFFSET: {**_NUMBER, "description": "Its offset."},
    letter.EXCEPTION: {
        **_TEXT,
        "description": "`firstreply.Rejected.` and the reason, where Kafka Streams names a class.",
    },
    letter.MESSAGE: {**_TEXT, "description": "What is wrong, in words."},
    letter.REASON: {"enum": [str(reason) for reason in MEANING], "description": "What is wrong."},
    letter.WRITTEN_BY: {"const": letter.VERSION, "description": "Version of these headers."},
    letter.TIMESTAMP: {**_NUMBER, "description": "Of the rejected record, in milliseconds."},
}
_MARKS_OF_REPLAY: Final[dict[str, Json]] = {
    letter.REPLAYED_FROM: {**_TEXT, "description": "The letter's topic/partition/offset."},
    letter.REPLAYED_COUNT: {**_NUMBER, "description": "How often it was replayed."},
}


def asyncapi_text() -> str:
    """Return the document as it is committed."""
    return json.dumps(_document(), indent=2, ensure_ascii=False) + "\n"


def _document() -> Json:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "firstreply",
            "version": CONTRACT_VERSION,
            "description": "Contact events in, dead letters and status out. Names of topics are the"
            " defaults; all can be set. What the members mean: events.md beside this file.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "localhost:9092",
                "protocol": "kafka",
                "description": "`kafka.bootstrap_servers`; also with TLS and SASL.",
            }
        },
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _channels() -> Json:
    events = [_name(kind) for kind in EventType]
    return {
        "contactEvents": _channel(
            "contact-events",
            "`kafka.topic`: what happened to contacts, keyed by contact id, so that the events of "
            "a contact stay in one partition. Never compacted.",
            [*events, "structuredCloudEvent", "binaryCloudEvent"],
        ),
        "deadLetters": _channel(
            "contact-events.dead-letters",
            "`kafka.dead_letter_topic`: rejected records, byte for byte.",
            ["deadLetter"],
        ),
        "status": _channel(
            "firstreply-status",
            "`kafka.status_topic`: the processes of the group tell each other how things stand, "
            "once a second. For firstreply alone: its form may change with any release.",
            ["processStatus"],
            partitions=1,
            topicConfiguration={
                "cleanup.policy": ["delete"],
                "retention.ms": STATUS_RETENTION_MS,
            },
        ),
    }


def _channel(address: str, text: str, messages: list[str], **kafka: object) -> Json:
    return {
        "address": address,
        "description": text,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {"topic": address, **kafka, "bindingVersion": KAFKA_BINDING},
        },
    }


def _operations() -> Json:
    reading = {"groupId": {**_TEXT, "default": "firstreply"}, "bindingVersion": KAFKA_BINDING}
    return {
        "readContactEvents": {
            **_operation("receive", "contactEvents", "Read, as a member of `kafka.group`."),
            "bindings": {"kafka": reading},
        },
        "setAside": _operation("send", "deadLetters", "Set aside what is no contact event."),
        "readDeadLetters": _operation("receive", "deadLetters", "`firstreply dlq` reads them."),
        "replayDeadLetters": _operation(
            "send", "contactEvents", "`firstreply dlq replay` sends records again, marked."
        ),
        "tellStatus": _operation("send", "status", "Tell how things stand."),
        "readStatus": _operation("receive", "status", "Read it while somebody looks at the wall."),
    }


def _operation(action: str, channel: str, summary: str) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
    }


def _name(kind: EventType) -> str:
    return MODELS[kind].__name__.lower()


def _messages() -> Json:
    return {
        **{_name(kind): _event(kind, model) for kind, model in MODELS.items()},
        "structuredCloudEvent": {
            **_message(
                "A contact event as a CloudEvent, structured mode.", {"$ref": _ref("Cloud")}
            ),
            "contentType": "application/cloudevents+json",
        },
        "binaryCloudEvent": {
            **_message("A contact event as a CloudEvent, binary mode.", {"$ref": _ref("Data")}),
            "headers": {"$ref": _ref("CloudHeaders")},
        },
        "deadLetter": {
            **_message("A rejected record: its key, value and headers, then ours.", {}),
            "contentType": "application/octet-stream",
            "headers": {"$ref": _ref("LetterHeaders")},
        },
        "processStatus": {
            "summary": "How things stand at one process.",
            "contentType": "application/msgpack",
            "payload": {"$ref": _ref("ProcessStatus")},
            "bindings": {"kafka": {"bindingVersion": KAFKA_BINDING}},
        },
    }


def _message(summary: str, payload: Json) -> Json:
    key = {**_TEXT, "description": "The contact id."}
    return {
        "summary": summary,
        "payload": payload,
        "bindings": {"kafka": {"key": key, "bindingVersion": KAFKA_BINDING}},
    }


def _event(kind: EventType, model: type[PublishedEvent]) -> Json:
    example = model.model_json_schema()["examples"][0]
    text = (model.__doc__ or "").strip().replace("``", "`")
    return {
        **_message(text, {"$ref": _ref(model.__name__)}),
        "name": kind.value,
        "headers": {"$ref": _ref("ReplayMarks")},
        "examples": [{"payload": example}],
    }


def _ref(schema: str) -> str:
    return _SCHEMAS.format(model=schema)


def _schemas() -> Json:
    events = models_json_schema(
        [(model, "validation") for model in MODELS.values()], ref_template=_SCHEMAS
    )[1]["$defs"]
    (_,), status = msgspec.json.schema_components(
        (ProcessStatus,), ref_template=_SCHEMAS.replace("{model}", "{name}")
    )
    members = {
        name: text
        for name, text in _respelled(events["Closed"])["properties"].items()
        if name not in {"id", "time", "type"}
    }
    schemas: Json = {
        **{name: _respelled(schema) for name, schema in sorted(events.items())},
        **{name: _respelled(schema) for name, schema in sorted(status.items())},
        "Data": {"type": "object", "properties": members},
        "Cloud": _cloud(),
        "CloudHeaders": _cloud_headers(),
        "LetterHeaders": {
            "type": "object",
            "required": list(_HEADERS_OF_LETTERS)[:-1],  # a record need not have a timestamp
            "properties": _HEADERS_OF_LETTERS,
        },
        "ReplayMarks": {"type": "object", "properties": _MARKS_OF_REPLAY},
    }
    return schemas


def _attributes(prefix: str) -> Json:
    kinds = "|".join(kind.value.replace(".", r"\.") for kind in EventType)
    return {
        f"{prefix}specversion": {"const": "1.0"},
        f"{prefix}type": {**_TEXT, "pattern": rf"^(.+\.)?({kinds})(\.v1)?$"},
        f"{prefix}source": {**_TEXT, "description": "With the id it identifies the event."},
        f"{prefix}id": {**_TEXT, "description": "Unique within the source."},
        f"{prefix}time": {**_TEXT, "format": "date-time", "description": "When it happened."},
        f"{prefix}partitionkey": {**_TEXT, "description": "The contact id, if the data has none."},
    }


def _cloud() -> Json:
    return {
        "type": "object",
        "required": ["specversion", "type", "source", "id", "time"],
        "properties": {**_attributes(""), "data": {"$ref": _ref("Data")}, "data_base64": _TEXT},
    }


def _cloud_headers() -> Json:
    required = [f"ce_{name}" for name in ("specversion", "type", "source", "id", "time")]
    return {"type": "object", "required": required, "properties": _attributes("ce_")}


def _respelled(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """Spell tuples as draft 07 does, and drop pydantic's titles that repeat the name."""
    if isinstance(schema, list):
        return [_respelled(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    spelled = {name: _respelled(each) for name, each in schema.items() if name != "prefixItems"}
    if "prefixItems" in schema:
        spelled["additionalItems"] = spelled.pop("items", True)
        spelled["items"] = _respelled(schema["prefixItems"])
    if isinstance(spelled.get("properties"), dict):
        for member in spelled["properties"].values():
            member.pop("title", None)
    return spelled


def main() -> None:
    """Write the document into the folder given as the only argument."""
    match sys.argv[1:]:
        case [folder]:
            (Path(folder) / FILE).write_text(asyncapi_text(), encoding="utf-8")
        case _:
            sys.exit("give one folder: python -m firstreply.adapters.asyncapi FOLDER")


if __name__ == "__main__":
    main()
