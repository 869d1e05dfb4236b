"""Reading a catalog from CSV, JSON or YAML: every problem is found, each with its place."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Tuple

from money import Money, ParseError, parse_money

from catalog.product import Product, Variant
from catalog.shelf import Catalog, Duplicate

Row = Dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a row."""

    row: int
    message: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.message}"


class LoadError(ValueError):
    """A catalog could not be read; nothing of it was taken over."""

    def __init__(self, problems: List[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load_file(path: Path) -> Catalog:
    """Reads a file by its ending: ``.csv``, ``.json``, ``.yaml`` or ``.yml``."""
    return load(path.read_text(encoding="utf-8"), path.suffix.lstrip(".").lower())


def load(text: str, form: str) -> Catalog:
    """Reads a catalog.

    A row has ``name``, ``sku`` and ``price`` (several prices are separated by ``|``), and may have ``description``,
    ``tags`` (separated by spaces) and any other columns: they are the variant's properties. Rows of one name are the
    variants of one product.
    """
    readers = {"csv": _csv, "json": _json, "yaml": _yaml, "yml": _yaml}
    if form not in readers:
        raise ValueError(f"{form!r} is no form of a catalog: {', '.join(sorted(readers))} are")
    return _build(readers[form](text))


def _csv(text: str) -> Iterable[Tuple[int, Row]]:
    reader = csv.DictReader(io.StringIO(text), restkey="")
    for row in reader:
        yield reader.line_num, dict(row)


def _json(text: str) -> Iterable[Tuple[int, Row]]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise LoadError([Problem(error.lineno, f"no JSON: {error.msg}")]) from None
    return _numbered(rows)


def _yaml(text: str) -> Iterable[Tuple[int, Row]]:
    try:
        import yaml
    except ImportError:
        raise RuntimeError("reading YAML needs pyyaml: install `catalog[yaml]`") from None
    return _numbered(yaml.safe_load(text))


def _numbered(rows: Any) -> Iterable[Tuple[int, Row]]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise LoadError([Problem(1, "a list of objects is expected")])
    return enumerate(rows, start=1)


def _build(rows: Iterable[Tuple[int, Row]]) -> Catalog:
    problems: List[Problem] = []
    products: Dict[str, List[Tuple[int, Row, Variant]]] = {}
    prices: List[Tuple[str, Money]] = []
    for number, row in rows:
        try:
            variant, costs = _variant(row)
        except ValueError as error:
            problems.append(Problem(number, str(error)))
            continue
        products.setdefault(row["name"].strip(), []).append((number, row, variant))
        prices.extend((variant.sku, cost) for cost in costs)
    catalog = Catalog()
    for name, lines in products.items():
        number, first, _ = lines[0]
        tags = frozenset(str(first.get("tags") or "").split())
        try:
            variants = tuple(variant for _, _, variant in lines)
            catalog.add(Product(name, variants, str(first.get("description") or ""), tags))
        except (ValueError, Duplicate) as error:
            problems.append(Problem(number, str(error)))
    if problems:
        raise LoadError(sorted(problems, key=lambda problem: problem.row))
    for sku, cost in prices:
        catalog.prices.set(sku, cost)
    return catalog


def _variant(row: Row) -> Tuple[Variant, List[Money]]:
    if "" in row:
        raise ValueError("more columns than the first row names")
    missing = [column for column in ("name", "sku", "price") if not str(row.get(column) or "").strip()]
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing")
    try:
        costs = [parse_money(part) for part in str(row["price"]).split("|")]
    except ParseError as error:
        raise ValueError(str(error)) from None
    known = {"name", "sku", "price", "description", "tags"}
    properties = {column: str(value) for column, value in row.items() if column not in known and value not in (None, "")}
    return Variant(str(row["sku"]).strip(), properties), costs
