"""Reports: notebooks executed, pages written from their Answers, an index over them."""

import sys

# Where this package is found, jsonschema, which altair imports, builds forty grammars of it (0.8 s)
# to check addresses in some other language. No report asks it to.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
