"""The OpenAPI 3.1 document of ``/api/v1``, generated from the types that are served.

It is committed as ``docs/reference/openapi.json``, and a test keeps both equal. Its version is that
of the interface, not of the service: fields may join, nothing else changes without a new one.
"""

import json
from functools import cache
from typing import Any, Final

import msgspec

from firstreply.explanation import Explanation
from firstreply.wall.bodies import Channels, Refusal, UrgentContacts

FILE: Final = "openapi.json"
API_VERSION: Final = "1"

Json = dict[str, Any]

_CONTACT_ID: Final = {
    "name": "contact_id",
    "in": "path",
    "required": True,
    "description": "As in the events, URI-encoded.",
    "schema": {"type": "string", "minLength": 1},
}
_ENUMERATIONS: Final = {
    "Actor": "Who did it. Only an agent's public answer is a human response.",
    "Input": "A type of event, with actor and direction where they matter.",
    "Outcome": "The verdict on one band of one contact.",
    "Phase": "Where a contact stands.",
}
"""Of the domain; their docstrings are not there where it is compiled."""


@cache
def openapi_text() -> str:
    """Return the document as it is served and committed."""
    return json.dumps(_document(), indent=2, ensure_ascii=False) + "\n"


def _document() -> Json:
    (channels, urgent, explanation, refusal), components = msgspec.json.schema_components(
        (Channels, UrgentContacts, Explanation, Refusal),
        ref_template="#/components/schemas/{name}",
    )
    for name, text in _ENUMERATIONS.items():
        components[name]["description"] = text
    contact = _get(
        "explainContact",
        "Why one contact counts as it does",
        "Start, stop, opening hours used, deadlines, outcomes, and the events that led to them; of "
        "a contact that this process keeps.",
        explanation,
    )
    contact["get"]["parameters"] = [_CONTACT_ID]
    contact["get"]["responses"] |= {
        "403": _answer("`http.contact_ids` is off.", refusal),
        "404": _answer("This process keeps no such contact.", refusal),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "firstreply",
            "version": API_VERSION,
            "summary": "How fast an organisation answers its customers, now.",
            "description": "What the wall shows, of all processes of the consumer group, at the "
            "service clock. Nothing here changes anything. Fields may join.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The service itself."}],
        "tags": [{"name": "wall", "description": "What the wall shows."}],
        "paths": {
            "/api/v1/channels": _get(
                "getChannels", "How each channel stands", "Made anew each second.", channels
            ),
            "/api/v1/contacts/urgent": _get(
                "getUrgentContacts",
                "Who is late, and who is next",
                "At most ten of each, on the channels that promise something.",
                urgent,
            ),
            "/api/v1/contacts/{contact_id}": contact,
        },
        "components": {"schemas": components},
    }


def _get(operation: str, summary: str, description: str, schema: Json) -> Json:
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "description": description,
            "tags": ["wall"],
            "responses": {"200": _answer(summary + ".", schema)},
        }
    }


def _answer(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
