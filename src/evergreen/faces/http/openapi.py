"""The OpenAPI document, made from the messages: it cannot say anything else than what the server does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from evergreen._version import __version__
from evergreen.core.message import Handler
from evergreen.faces.client.errors import Problem
from evergreen.faces.client.http import message_path, object_path

__all__ = ["openapi_document"]

_JSON = "application/json"


def openapi_document(handlers: Iterable[Handler]) -> dict[str, Any]:  # JSON values
    """Return the OpenAPI 3.1 document of the messages and of the objects beside them."""
    handlers = sorted(handlers, key=lambda handler: handler.name)
    types = [kind for handler in handlers for kind in (handler.message, handler.result)]
    schemas, components = msgspec.json.schema_components([*types, Problem], ref_template="#/components/schemas/{name}")
    problem = {"description": "What went wrong", "content": {"application/problem+json": {"schema": schemas[-1]}}}
    project = {"name": "project", "in": "path", "required": True, "schema": {"type": "string"}}
    paths: dict[str, Any] = {}
    for index, handler in enumerate(handlers):
        paths[message_path("{project}", handler.name)] = {
            "post": {
                "operationId": handler.name,
                "summary": (handler.message.__doc__ or "").split("\n")[0],
                "tags": ["commands" if handler.is_command else "queries"],
                "x-permission": handler.message.permission.value,
                "parameters": [project],
                "requestBody": {"required": True, "content": {_JSON: {"schema": schemas[2 * index]}}},
                "responses": {
                    "200": {"description": "The result", "content": {_JSON: {"schema": schemas[2 * index + 1]}}},
                    "default": problem,
                },
            }
        }
    digest = {
        "name": "digest",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    paths[object_path("{project}", "{digest}")] = {
        "parameters": [project, digest],
        "get": {
            "operationId": "GetObject",
            "summary": "Read the bytes of an object that the project holds.",
            "responses": {"200": {"description": "The bytes", "content": binary}, "default": problem},
        },
        "put": {
            "operationId": "PutObject",
            "summary": "Keep bytes for the project; the digest is their BLAKE3.",
            "requestBody": {"required": True, "content": binary},
            "responses": {"204": {"description": "Kept, durably"}, "default": problem},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Evergreen", "version": __version__},
        "paths": paths,
        "components": {"schemas": components},
    }
