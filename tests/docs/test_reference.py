"""The reference names everything that there is to name."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from evergreen.checks.data import FUNCTIONS, data_vocabulary
from evergreen.checks.gate import gate_vocabulary
from evergreen.core import declaration
from evergreen.core.declaration_file import EVENTS, LATER, VERBS
from evergreen.faces.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "project": declaration.ProjectSection,
    "datasets": declaration.DatasetSection,
    "models": declaration.ModelSection,
    "endpoints": declaration.EndpointSection,
    "monitors": declaration.MonitorSection,
    "rules": declaration.RuleSection,
}


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_of_a_section_is_in_the_reference(name: str) -> None:
    text = (REFERENCE / "configuration.md").read_text()
    part = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]

    missing = [
        field.encode_name
        for field in msgspec.structs.fields(SECTIONS[name])
        if f"| `{field.encode_name}` |" not in part
    ]

    assert missing == []


def test_what_is_not_available_yet_is_named() -> None:
    text = (REFERENCE / "configuration.md").read_text()

    assert [
        f"{section}.{key}" for section, keys in LATER.items() for key in keys if f"`{section}.{key}`" not in text
    ] == []


def test_events_and_verbs_of_rules_are_named() -> None:
    text = (REFERENCE / "configuration.md").read_text()

    assert [name for name in (*EVENTS, *VERBS) if f"`{name}`" not in text] == []


def test_every_word_of_gates_and_checks_is_named() -> None:
    text = (REFERENCE / "expressions.md").read_text()
    gate = gate_vocabulary("binary-classification")
    words = {*gate.names, *gate.functions, *data_vocabulary().names, *FUNCTIONS}

    assert [word for word in words if not word.startswith("champion.") and f"`{word}" not in text] == []


def test_every_kind_of_event_is_named() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    emitted = set(re.findall(r'emit\(\s*"([a-z_.]+)"', source))
    emitted |= {
        "alias.moved",
        "alias.rolled_back",
        "alias.held",
        "alias.resumed",
        "rule.fired",
        "rule.skipped",
        *EVENTS,
    }
    text = (REFERENCE / "events.md").read_text()

    assert len(emitted) > 20
    assert [kind for kind in sorted(emitted) if f"`{kind}`" not in text] == []


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()

    assert [name for group in COMMANDS.values() for name in group if f"`{name}" not in text] == []
