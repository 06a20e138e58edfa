"""SPDX 2.x in YAML: the document that is otherwise written in JSON."""

from __future__ import annotations

import re

from impact.stack import documents
from impact.stack.documents import Source, has_line
from impact.stack.inventory import Inventory
from impact.stack.readers import spdx_json

FORMAT = "SPDX YAML"


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    named = has_line(text, "spdxVersion:", '"spdxVersion":', "'spdxVersion':")
    return named and re.search(r"""(?m)^["']?spdxVersion["']?:\s*["']?SPDX-2""", text) is not None


def read(source: Source) -> Inventory:
    """What the document holds; what it describes are its roots."""
    return spdx_json.of(FORMAT, documents.from_yaml(source), source.where)
