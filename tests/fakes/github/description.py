"""GitHub's own description of its API, and holding requests and answers to it."""

# pyright: basic
# The libraries of JSON Schema say little of their types.

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema.exceptions import best_match
from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FILE = Path(__file__).parents[3] / ".bunkhouse" / "github" / "api.github.com.json"
_BASE = "urn:github"
_METHODS = ("get", "post", "patch", "put", "delete")


_TEXTS = {"uri": "https://example.org/", "date-time": "2026-01-01T00:00:00Z"}


class Violation(AssertionError):
    """A request or an answer is not as GitHub describes it."""


@dataclass(frozen=True)
class Operation:
    """Something that GitHub can be asked for, and the parameters that its path was given."""

    method: str
    template: str
    path: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.template}"


class Description:
    """The description, ready to be asked."""

    def __init__(self, document: dict[str, Any]) -> None:
        _let_null_be(document)
        self._document = document
        # Only pointers are followed in it, which are the same in all drafts.
        resource = Resource(contents=document, specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_BASE, resource)
        self._templates = [
            (template, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))))
            for template in sorted(document["paths"], key=lambda path: path.count("{"))
        ]

    def operation(self, method: str, path: str) -> Operation | None:
        """What a request asks for; None: GitHub has no such thing."""
        for template, pattern in self._templates:
            match = pattern.fullmatch(path)
            if match and method.lower() in self._document["paths"][template]:
                return Operation(method.lower(), template, match.groupdict())
        return None

    def check_request(self, operation: Operation, query: Mapping[str, str], body: Any) -> None:
        """Raise `Violation` where a request is not as described."""
        described = self._of(operation)
        parameters = [self._resolved(each) for each in described.get("parameters", ())]
        known = {each["name"]: each for each in parameters if each["in"] == "query"}
        for name, value in query.items():
            if name not in known:
                raise Violation(f"{operation.name} has no parameter `{name}`.")
            self._check(_coerced(value, known[name]["schema"]), known[name]["schema"], name)
        for each in parameters:
            if each["in"] == "path":
                value = _coerced(operation.path[each["name"]], each["schema"])
                self._check(value, each["schema"], each["name"])
            elif each["in"] == "query" and each.get("required") and each["name"] not in query:
                raise Violation(f"{operation.name} needs `{each['name']}`.")
        if (wanted := described.get("requestBody")) is None:
            if body is not None:
                raise Violation(f"{operation.name} takes no body.")
            return
        schema = wanted["content"]["application/json"]["schema"]
        self._check({} if body is None else body, schema, "body", writes=True)
        unknown = set(body or {}) - set(schema.get("properties", {}))
        if unknown:
            raise Violation(f"{operation.name} has no field {', '.join(sorted(unknown))}.")

    def check_answer(self, operation: Operation, status: int, body: Any) -> None:
        """Raise `Violation` where an answer is not as described."""
        answers = self._of(operation)["responses"]
        if str(status) not in answers:
            # Those that any call may get are not listed everywhere.
            if status in (401, 403, 404, 429):
                self._check(body, {"$ref": "#/components/schemas/basic-error"}, str(status))
                return
            raise Violation(f"{operation.name} never answers {status}.")
        content = self._resolved(answers[str(status)]).get("content")
        if content is None:
            if body is not None:
                raise Violation(f"{operation.name} answers {status} without a body.")
            return
        self._check(body, content["application/json"]["schema"], f"{operation.name} {status}")

    def example(self, operation: Operation, status: int) -> Any:
        """GitHub's own example of an answer; a copy."""
        described = self._resolved(self._of(operation)["responses"][str(status)])
        examples = described["content"]["application/json"]["examples"]
        found = self._resolved(next(iter(examples.values())))
        return json.loads(json.dumps(found["value"]))

    def hook(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """A webhook's body with these values, and any that are right for all else it must have.

        Raises:
            Violation: what was given is not as GitHub describes it.
        """
        described = self._document["x-webhooks"][name]["post"]["requestBody"]
        schema = described["content"]["application/json"]["schema"]
        body = self._completed(schema, given)
        self._check(body, schema, name)
        return body

    def _completed(self, schema: dict[str, Any], value: Any) -> Any:
        schema = self._resolved(schema)
        for many in ("allOf", "oneOf", "anyOf"):
            for each in schema.get(many, ())[: None if many == "allOf" else 1]:
                value = self._completed(each, value)
        if isinstance(value, list):
            items = schema.get("items", {})
            return [self._completed(items, each) for each in value]
        if not isinstance(value, dict) or "properties" not in schema:
            return value
        properties = schema["properties"]
        wanted = dict.fromkeys(schema.get("required", ())) | value
        return {
            name: self._completed(properties.get(name, {}), value[name])
            if name in value
            else self._plainest(properties.get(name, {}))
            for name in wanted
        }

    def _plainest(self, schema: dict[str, Any]) -> Any:
        """A value that a schema allows."""
        schema = self._resolved(schema)
        kinds = [many for many in ("allOf", "oneOf", "anyOf") if many in schema]
        if schema.get("nullable") and not kinds:
            return None
        if values := schema.get("enum"):
            return values[0]
        if kinds:
            return self._plainest(schema[kinds[0]][0])
        match schema.get("type"):
            case "object":
                return self._completed(schema, {})
            case "array":
                return []
            case "integer" | "number":
                return 1
            case "boolean":
                return False
            case _:
                return _TEXTS.get(schema.get("format", ""), "text")

    def _of(self, operation: Operation) -> dict[str, Any]:
        return self._document["paths"][operation.template][operation.method]

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def _check(self, value: Any, schema: Any, what: str, *, writes: bool = False) -> None:
        kind = OAS30WriteValidator if writes else OAS30ReadValidator
        absolute = _absolute(schema)
        checker = kind(absolute, registry=self._registry, format_checker=oas30_format_checker)
        errors: Iterable[Any] = checker.iter_errors(value)
        worst = best_match(errors)
        if worst is not None:
            raise Violation(f"{what}: {worst.json_path}: {worst.message[:500]}")


@cache
def description() -> Description:
    """The description of the version that the lock names."""
    if not FILE.exists():
        raise FileNotFoundError(
            f"{FILE} is not there: `python3 scripts/setup github` fetches it (so does make test)."
        )
    return Description(json.loads(FILE.read_text()))


def _let_null_be(node: Any) -> None:
    """Where something may be null and its list of values lacks null, it is a slip of the list.

    (The real GitHub answers null there: the conclusion of a check that runs.)
    """
    if isinstance(node, dict):
        pairs: dict[str, Any] = node
        if pairs.get("nullable") is True and isinstance(values := pairs.get("enum"), list):
            pairs["enum"] = [*values, None]
    for each in node.values() if isinstance(node, dict) else node:  # pyright: ignore
        if isinstance(each, dict | list):
            _let_null_be(each)


def _absolute(node: Any) -> Any:
    """A schema that was taken out of the document, with references that still find what they name.

    (Discriminators have such references too, without `$ref`.)
    """
    if isinstance(node, dict):
        pairs: dict[str, Any] = node
        return {key: _absolute(value) for key, value in pairs.items()}
    if isinstance(node, list):
        items: list[Any] = node
        return [_absolute(each) for each in items]
    if isinstance(node, str) and node.startswith("#/components/"):
        return f"{_BASE}{node}"
    return node


def _coerced(value: str, schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value
