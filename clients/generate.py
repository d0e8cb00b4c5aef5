#!/usr/bin/env python3
"""Writes the types of both clients from the service's OpenAPI document.

    clients/generate.py URL|FILE            writes them
    clients/generate.py --check URL|FILE    checks whether they are up to date

EVERWIRE_TOKEN is the token for a service that requires one. The output is two files:
`python/src/everwire/_api.py` and `typescript/src/api.ts`. Only the standard library is used.
"""

from __future__ import annotations

import json
import keyword
import os
import sys
import textwrap
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PYTHON = HERE / "python/src/everwire/_api.py"
TYPESCRIPT = HERE / "typescript/src/api.ts"

# The keys of a connection are those of the configuration file: they have a schema of their own
# (`everwire schema`), far larger than all others.
OPAQUE = {"Settings"}
KNOWN = "x-extensible-enum"
WIDTH = 120

Schema = dict[str, Any]


def read(source: str) -> dict[str, Schema]:
    """The schemas of a document."""
    if "://" in source:
        request = urllib.request.Request(source)
        if token := os.environ.get("EVERWIRE_TOKEN"):
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            document = json.load(answer)
    else:
        document = json.loads(Path(source).read_text(encoding="utf-8"))
    schemas: dict[str, Schema] = document["components"]["schemas"]
    return {name: schemas[name] for name in sorted(schemas)}


def split(schema: Schema) -> tuple[Schema, bool]:
    """The schema without null, and whether the value may be null."""
    if "oneOf" in schema:
        options = [option for option in schema["oneOf"] if option != {"type": "null"}]
        if len(options) == 1:
            return options[0], len(options) < len(schema["oneOf"])
    kind = schema.get("type")
    if isinstance(kind, list):
        [kind] = [one for one in kind if one != "null"]
        return {**schema, "type": kind}, True
    return schema, False


def reference(schema: Schema) -> str | None:
    return schema["$ref"].rsplit("/", 1)[1] if "$ref" in schema else None


def description(schema: Schema) -> str:
    """The description of a member, which may stand beside a reference within `oneOf`."""
    inner, _ = split(schema)
    return " ".join((schema.get("description") or inner.get("description") or "").split())


def wrapped(text: str, indent: str, prefix: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent + prefix, subsequent_indent=indent + prefix, break_long_words=False)


def is_words(schema: Schema) -> bool:
    return KNOWN in schema


def members(schema: Schema) -> list[tuple[str, Schema, bool]]:
    required = set(schema.get("required", ()))
    return [(name, member, name in required) for name, member in schema.get("properties", {}).items()]


class Python:
    """TypedDicts. An enum that may get more values later is a class of its own; members have plain
    text.
    """

    PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "dict[str, Any]"}

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self.schemas = schemas

    def kind(self, schema: Schema) -> str:
        inner, nullable = split(schema)
        name = reference(inner)
        if name is not None:
            told = "str" if is_words(self.schemas[name]) else name
        elif "enum" in inner:
            told = f"Literal[{', '.join(json.dumps(value) for value in inner['enum'])}]"
        elif inner.get("type") == "array":
            told = f"list[{self.kind(inner['items'])}]"
        else:
            told = self.PLAIN.get(inner.get("type", ""), "Any")
        return f"{told} | None" if nullable and told != "Any" else told

    def words(self, name: str, schema: Schema) -> list[str]:
        lines = ["", "", f"class {name}(OpenEnum):", f'    """{description(schema)}"""', ""]
        return lines + [f'    {value.upper()} = "{value}"' for value in schema[KNOWN]]

    def members(self, head: str, doc: str, some: list[tuple[str, Schema, bool]]) -> list[str]:
        lines = ["", "", head]
        lines += wrapped(f'"""{doc}"""', "    ", "") if doc else []
        lines += [""] if doc and some else []
        for name, member, _ in some:
            if keyword.iskeyword(name):
                raise ValueError(f"{name} cannot be a member of a TypedDict")
            told = description(member)
            inner, _ = split(member)
            named = reference(inner)
            if named is not None and is_words(self.schemas[named]):
                told = f"{told} One of `{named}`." if told else f"One of `{named}`."
            lines += wrapped(told, "    ", "# ")
            lines.append(f"    {name}: {self.kind(member)}")
        return lines if some else [*lines, "    pass"]

    def record(self, name: str, schema: Schema) -> list[str]:
        doc, all_members = description(schema), members(schema)
        needed = [member for member in all_members if member[2]]
        others = [member for member in all_members if not member[2]]
        if not others:
            return self.members(f"class {name}(TypedDict):", doc, needed)
        if not needed:
            return self.members(f"class {name}(TypedDict, total=False):", doc, others)
        # Python 3.10 does not have NotRequired.
        lines = self.members(f"class _{name}(TypedDict):", "", needed)
        return lines + self.members(f"class {name}(_{name}, total=False):", doc, others)

    def alias(self, name: str, schema: Schema) -> list[str]:
        doc = wrapped(description(schema), "", "# ")
        kind = "dict[str, Any]" if name in OPAQUE else self.kind(schema)
        return ["", "", *doc, f"{name}: TypeAlias = {kind}"]

    def text(self) -> str:
        lines = [
            '"""What the service says and hears, as its OpenAPI document has it. Written by `clients/generate.py`: do not edit."""',
            "",
            "from __future__ import annotations",
            "",
            "from typing import Any, Literal, TypeAlias, TypedDict",
            "",
            "from ._open_enum import OpenEnum",
        ]
        aliases, rest = [], []
        for name, schema in self.schemas.items():
            if is_words(schema):
                rest += self.words(name, schema)
            elif name in OPAQUE or "properties" not in schema:
                # At run time an alias needs the types that it names: simple ones come first.
                aliases += self.alias(name, schema)
            else:
                rest += self.record(name, schema)
        return "\n".join(lines + aliases + rest) + "\n"


class TypeScript:
    """Interfaces. A text that may get more values later is a union that accepts any text."""

    PLAIN = {
        "string": "string",
        "integer": "number",
        "number": "number",
        "boolean": "boolean",
        "object": "Record<string, unknown>",
    }

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self.schemas = schemas

    def kind(self, schema: Schema) -> str:
        inner, nullable = split(schema)
        name = reference(inner)
        if name is not None:
            told = name
        elif "enum" in inner:
            told = " | ".join(json.dumps(value) for value in inner["enum"])
        elif inner.get("type") == "array":
            item = self.kind(inner["items"])
            told = f"{item}[]" if item.isidentifier() else f"({item})[]"
        else:
            told = self.PLAIN.get(inner.get("type", ""), "unknown")
        return f"{told} | null" if nullable and told != "unknown" else told

    def doc(self, text: str, indent: str) -> list[str]:
        if not text:
            return []
        text = text.replace("*/", "*\\/")
        if len(indent + text) + 7 <= WIDTH:
            return [f"{indent}/** {text} */"]
        return [f"{indent}/**", *wrapped(text, indent, " * "), f"{indent} */"]

    def words(self, name: str, schema: Schema) -> list[str]:
        values = [json.dumps(value) for value in schema[KNOWN]]
        listed = textwrap.wrap(", ".join(values), WIDTH - 2)
        return [
            "",
            f"/** The values of {{@link {name}}} that are known. */",
            f"export const {name}s = [",
            *(f"  {line}" for line in listed),
            "] as const;",
            *self.doc(description(schema), ""),
            f"export type {name} = (typeof {name}s)[number] | (string & {{}});",
        ]

    def record(self, name: str, schema: Schema) -> list[str]:
        lines = ["", *self.doc(description(schema), ""), f"export interface {name} {{"]
        for member, inner, needed in members(schema):
            lines += self.doc(description(inner), "  ")
            lines.append(f"  {member}{'' if needed else '?'}: {self.kind(inner)};")
        return [*lines, "}"]

    def text(self) -> str:
        lines = ["// What the service says and hears, as its OpenAPI document has it. Written by clients/generate.py: do not edit."]
        for name, schema in self.schemas.items():
            if is_words(schema):
                lines += self.words(name, schema)
            elif name in OPAQUE:
                lines += ["", *self.doc(description(schema), ""), f"export type {name} = Record<string, unknown>;"]
            elif "properties" not in schema:
                lines += ["", *self.doc(description(schema), ""), f"export type {name} = {self.kind(schema)};"]
            else:
                lines += self.record(name, schema)
        return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    check = arguments[:1] == ["--check"]
    match arguments[check:]:
        case [source]:
            schemas = read(source)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    stale = []
    for path, text in ((PYTHON, Python(schemas).text()), (TYPESCRIPT, TypeScript(schemas).text())):
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
    for path in stale:
        print(f"{path.relative_to(HERE.parent)} is not what the document says: run clients/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
