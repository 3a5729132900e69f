"""The OpenAPI description: FastAPI's, with names for what only streams carry."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from bunkhouse.api.schemas import (
    LogItems,
    PresenceOut,
    PresentOut,
    ProblemDetails,
    SessionDeleted,
)
from bunkhouse.version import version
from bunkhouse_protocol.events import EVENT

_REF = "#/components/schemas/{model}"

_OPEN = (("/api/health", "get"), ("/api/sign-in", "get"), ("/api/webhooks/github", "post"))
"""What nobody has to sign in for."""

_STREAMED = {"PresenceOut": PresenceOut, "LogItems": LogItems}

Schema = dict[str, Any]


def operation_id(route: APIRoute) -> str:
    """Name an operation after its function: `create_session` is `createSession`."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), route.name)


def describe(app: FastAPI) -> Schema:
    """Describe the API of `app`."""
    described = get_openapi(
        title="Bunkhouse",
        version=version(),
        summary="Coding agents in sandboxes of their own.",
        routes=app.routes,
    )
    described = json.loads(re.sub(r"Page_(\w+)Out_", r"\1Page", json.dumps(described)))
    schemas: dict[str, Schema] = described["components"]["schemas"]
    event = EVENT.json_schema(mode="serialization", ref_template=_REF)
    schemas.update(cast("dict[str, Schema]", event.pop("$defs")))
    schemas["Event"] = {"title": "Event", **event}
    for model, name in (("EventPage", "items"), ("OpeningOut", "events")):
        schemas[model]["properties"][name]["items"] = {"$ref": _REF.format(model="Event")}
    for model in (SessionDeleted, ProblemDetails, PresentOut):
        schemas[model.__name__] = model.model_json_schema(mode="serialization")
    for name, items, of in (
        ("PresenceOut", "people", "PresentOut"),
        ("LogItems", "items", "Event"),
    ):
        schema = _STREAMED[name].model_json_schema(mode="serialization", ref_template=_REF)
        schema.pop("$defs")
        schema["properties"][items]["items"] = {"$ref": _REF.format(model=of)}
        schemas[name] = schema
    # Every problem is the one shape of ours; the framework's own for 422 is never sent.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    taken: set[str] = {"ProblemDetails"}  # its empty fields are left out
    for operation in _operations(described):
        operation["responses"].pop("422", None)
        taken.update(_names_in(operation.get("requestBody", {})))
    for name, schema in schemas.items():
        if name not in taken and "properties" in schema:
            # Answers are always whole: a default is not an absence.
            schema["required"] = list(schema["properties"])
    described["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "browser": {"type": "apiKey", "in": "cookie", "name": "bunkhouse_session"},
    }
    described["security"] = [{"token": []}, {"browser": []}]
    for path, method in _OPEN:
        described["paths"][path][method]["security"] = []
    return described


def _operations(described: Schema) -> Iterator[Schema]:
    for path in described["paths"].values():
        yield from path.values()


def _names_in(schema: object) -> set[str]:
    return set(re.findall(r"#/components/schemas/(\w+)", json.dumps(schema)))
