"""Reading ``evergreen.toml``: every fault at once, each with its path and, for a misspelt key, the nearest one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from evergreen.core.clock import duration
from evergreen.core.declaration import (
    DatasetSection,
    Declaration,
    EndpointSection,
    ModelSection,
    MonitorSection,
    RuleSection,
)
from evergreen.core.errors import EvergreenError, Invalid, NotFound, nearest
from evergreen.core.reference import Reference, checked_name

__all__ = ["EVENTS", "FILE", "TASKS", "VERBS", "DeclarationBroken", "broken", "meaning_faults", "read_declaration"]

FILE = "evergreen.toml"

LATER = {
    "models": {"approvals"},
    "endpoints": {"rollout"},
    "rules": {"budget"},
}
"""Keys of the design that this version cannot honour, so that it refuses them by name."""

TASKS = ("binary-classification",)
EVENTS = ("performance.degraded", "drift.detected")
VERBS = ("retrain", "roll_back")
ON_VIOLATION = ("previous", "error")
_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "datasets": DatasetSection,
    "models": ModelSection,
    "endpoints": EndpointSection,
    "monitors": MonitorSection,
}
_FALSE_ALARMS = re.compile(r"(\d+(?:\.\d+)?) per (day|week|month|year)")


class DeclarationBroken(Invalid):
    """``evergreen.toml`` has faults; ``facts["faults"]`` lists them all."""


def read_declaration(path: Path, *, further: Callable[[Declaration], list[str]] = lambda _: []) -> Declaration:
    """Read the file at ``path``. ``further`` finds faults that this folder cannot know of, so that all come at once.

    Raises:
        NotFound: there is no such file.
        DeclarationBroken: with every fault of form and of meaning that can be told without the project's code.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(
            f"there is no {FILE} in {path.parent}", hint='make a project here: "evergreen init --data FILE"'
        ) from None
    except UnicodeDecodeError as error:
        raise DeclarationBroken(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationBroken(f"{path} is not valid TOML: {error}", hint="mend that line") from error
    faults = list(_struct_faults(raw, Declaration, "$", None))
    sound = msgspec.convert(_without_faulty(raw, faults), Declaration)
    names = {
        section: raw[section] for section in ("datasets", "models", "endpoints") if isinstance(raw.get(section), dict)
    }
    faults += [*_Meaning(sound, names).faults(), *further(sound)]
    if faults:
        raise broken(path.name, faults)
    return sound


def meaning_faults(declaration: Declaration) -> list[str]:
    """Return what is wrong with a declaration of the right form, for those that no file was read for."""
    sections = ("datasets", "models", "endpoints")
    return list(_Meaning(declaration, {section: getattr(declaration, section) for section in sections}).faults())


def broken(name: str, faults: list[str]) -> DeclarationBroken:
    """Return the error that lists ``faults`` of the file ``name``."""
    many = f"{len(faults)} faults" if len(faults) > 1 else "a fault"
    listed = "\n".join("  " + fault.replace("\n", "\n    ") for fault in faults)
    return DeclarationBroken(f"{name} has {many}:\n{listed}", faults=faults)


def _without_faulty(raw: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:  # TOML values
    """Return what has no fault of form, so that the meaning of that can be checked all the same."""

    def is_sound(path: str) -> bool:
        return not any(fault.startswith((f"{path}.", f"{path}:", f"{path}[")) for fault in faults)

    sound: dict[str, Any] = {"project": {"name": "unknown"}}
    for section, value in raw.items():
        if section not in Declaration.__struct_fields__:
            continue
        if section != "project" and isinstance(value, dict):
            kept = {name: _sound_keys(item, f"$.{section}.{name}", is_sound) for name, item in value.items()}
            sound[section] = {name: item for name, item in kept.items() if item is not None}
        elif is_sound(f"$.{section}"):
            sound[section] = value
    return sound


def _sound_keys(item: object, path: str, is_sound: Callable[[str], bool]) -> object:
    """Return the keys of a table that have no fault, or None where one that it cannot do without has or is missing."""
    if not isinstance(item, dict) or is_sound(path):
        return item if is_sound(path) else None
    section = path.split(".")[1]
    required = [field.encode_name for field in msgspec.structs.fields(_SECTIONS[section]) if field.required]
    kept = {key: value for key, value in item.items() if is_sound(f"{path}.{key}")}
    return kept if all(name in kept for name in required) else None


def _struct_faults(value: object, cls: type[msgspec.Struct], path: str, section: str | None) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: expected a table, {_spell(value)}"
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(cls)}
    types = get_type_hints(cls)
    for key in value:
        if key in fields:
            continue
        if section is not None and key in LATER.get(section, ()):
            yield f"{path}.{key}: not available in this version"
        else:
            yield f"{path}.{key}: unknown key; {nearest(key, fields)}"
    for name, field in fields.items():
        if name not in value:
            if field.required:
                yield f"{path}.{name}: missing"
            continue
        yield from _value_faults(value[name], types[field.name], f"{path}.{name}", section or name)


def _value_faults(value: object, expected: Any, path: str, section: str | None) -> Iterator[str]:  # a type annotation
    origin, arguments = get_origin(expected), get_args(expected)
    structs = [item for item in (expected, *arguments) if isinstance(item, type) and issubclass(item, msgspec.Struct)]
    if origin is dict and structs:
        if not isinstance(value, dict):
            yield f"{path}: expected a table, {_spell(value)}"
            return
        for key, item in value.items():
            yield from _name_faults(key, f"{path}.{key}")
            yield from _struct_faults(item, structs[0], f"{path}.{key}", section)
    elif origin is list and structs:
        if not isinstance(value, list):
            yield f"{path}: expected [[{path.rpartition('.')[2]}]] tables, {_spell(value)}"
            return
        for number, item in enumerate(value):
            yield from _struct_faults(item, structs[0], f"{path}[{number}]", section)
    elif structs:
        yield from _struct_faults(value, structs[0], path, section)
    else:
        try:
            msgspec.convert(value, expected, strict=True)
        except msgspec.ValidationError as error:
            wanted, _, where = str(error).replace("`", "").partition(" - at $")
            wanted = wanted.partition(", got ")[0].removeprefix("Expected ")
            yield f"{path}{where}: expected {_WORDS.get(wanted, wanted)}, {_spell(_inside(value, where))}"


def _name_faults(name: str, path: str) -> Iterator[str]:
    try:
        checked_name(name, "section")
    except Invalid as error:
        yield f"{path}: {error.message}"


@dataclass(frozen=True, slots=True)
class _Meaning:
    """Faults that the types cannot tell: names that do not exist, texts that are no duration, rate or reference."""

    declared: Declaration
    names: Mapping[str, Collection[str]]
    """All names per section, those of faulty sections too: a reference to one is not a second fault."""

    def faults(self) -> Iterator[str]:
        """Yield all of them."""
        yield from _name_faults(self.declared.project.name, "$.project.name")
        for name, model in self.declared.models.items():
            yield from self._model(f"$.models.{name}", model)
        for name, endpoint in self.declared.endpoints.items():
            yield from self._endpoint(f"$.endpoints.{name}", endpoint)
        for name, monitor in self.declared.monitors.items():
            yield from self._monitor(f"$.monitors.{name}", monitor)
        for number, rule in enumerate(self.declared.rules):
            yield from self._rule(f"$.rules[{number}]", rule)

    def _model(self, path: str, model: ModelSection) -> Iterator[str]:
        if model.task not in TASKS:
            yield f'{path}.task: "{model.task}" is not available in this version; {nearest(model.task, TASKS)}'
        module, colon, function = model.pipeline.partition(":")
        if not (colon and all(part.isidentifier() for part in [*module.split("."), function])):
            yield f'{path}.pipeline: "{model.pipeline}" does not name a pipeline; write "module:function"'
        for key in ("versions", "days"):
            kept = getattr(model.keep, key)
            if kept is not None and kept < 1:
                yield f"{path}.keep.{key}: {kept}, expected at least 1"

    def _endpoint(self, path: str, endpoint: EndpointSection) -> Iterator[str]:
        try:
            reference = Reference.parse(endpoint.model)
        except Invalid as error:
            yield f"{path}.model: {error.message}"
        else:
            yield from self._reference("models", reference.name, f"{path}.model")
            if reference.alias is None:
                yield f'{path}.model: "{endpoint.model}" names no alias; write "{reference.name}@production"'
        outputs = endpoint.outputs
        if outputs.on_violation not in ON_VIOLATION:
            hint = nearest(outputs.on_violation, ON_VIOLATION)
            yield f'{path}.outputs.on_violation: "{outputs.on_violation}" is unknown; {hint}'
        if outputs.minimum is not None and outputs.maximum is not None and outputs.minimum > outputs.maximum:
            yield f"{path}.outputs: minimum {outputs.minimum} is above maximum {outputs.maximum}"

    def _monitor(self, path: str, monitor: MonitorSection) -> Iterator[str]:
        yield from self._reference("endpoints", monitor.endpoint, f"{path}.endpoint")
        yield from _duration_faults(monitor.window, f"{path}.window")
        rate = _FALSE_ALARMS.fullmatch(monitor.false_alarms)
        if rate is None or float(rate[1]) == 0:
            yield f'{path}.false_alarms: "{monitor.false_alarms}" is not a rate; write for example "1 per year"'
        if monitor.outcomes is None:
            return
        yield from _duration_faults(monitor.outcomes.within, f"{path}.outcomes.within")
        fed = monitor.outcomes.dataset
        if fed is not None:
            yield from self._reference("datasets", fed, f"{path}.outcomes.dataset")
            section = self.declared.datasets.get(fed)
            if section is not None and (section.key is None or section.time is None):
                yield f'{path}.outcomes.dataset: dataset "{fed}" needs a key (the prediction id) and a time (known at)'

    def _rule(self, path: str, rule: RuleSection) -> Iterator[str]:
        if rule.on not in EVENTS:
            yield f'{path}.on: "{rule.on}" is no event that rules answer; {nearest(rule.on, EVENTS)}'
        if rule.do not in VERBS:
            yield f'{path}.do: "{rule.do}" is no verb for rules; {nearest(rule.do, VERBS)}'
        yield from _duration_faults(rule.cooldown, f"{path}.cooldown")
        model = rule.arguments.get("model")
        if not isinstance(model, str):
            yield (
                f"{path}.with.model: missing" if model is None else f"{path}.with.model: expected text, {_spell(model)}"
            )
        else:
            yield from self._reference("models", model, f"{path}.with.model")
        if rule.do == "roll_back":
            for key in rule.arguments.keys() - {"model", "alias"}:
                yield f"{path}.with.{key}: unknown key; {nearest(key, ['model', 'alias'])}"

    def _reference(self, section: str, name: str, path: str) -> Iterator[str]:
        known = self.names.get(section, ())
        if name not in known:
            hint = nearest(name, known) or f"there is no [{section}.{name}]"
            yield f'{path}: no {section.removesuffix("s")} "{name}"; {hint}'


def _duration_faults(text: str, path: str) -> Iterator[str]:
    try:
        duration(text)
    except EvergreenError as error:
        yield f"{path}: {error.message}; {error.hint}"


_WORDS = {
    "str | null": "text",
    "str": "text",
    "int | null": "a whole number",
    "int": "a whole number",
    "float | null": "a number",
    "array": "a list",
    "object": "a table",
}


def _inside(value: object, where: str) -> object:
    for index in re.findall(r"\[(\d+)\]", where):
        if isinstance(value, list):
            value = value[int(index)]
    return value


def _spell(value: object) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}
    shown = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return f"found {kinds.get(type(value), type(value).__name__)}: {shown[:60]}"
