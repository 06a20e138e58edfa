"""What every kernel of a report imports, imported once: kernels are forked from a process that did.

Imports only: nothing is computed here, and no library starts work of its own that a fork would
lose. Building one chart description reads the chart schema, in plain Python, and templates
are compiled.
"""

import importlib
import os
import pkgutil

os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # the debugger warns of frozen modules

import altair
import ipykernel.debugger
import ipykernel.ipkernel
import ipykernel.kernelapp  # noqa: F401
import IPython.core.completer  # noqa: F401
import scipy.special  # noqa: F401
import vl_convert  # noqa: F401

from impact import answers, charts
from impact.answers import text

for package in (charts, answers):
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
altair.Chart(altair.InlineData([{"x": 1}])).mark_point().encode(x=altair.X("x:Q")).to_dict()
compiled = text.templates()
for name in compiled.list_templates(["j2"]):
    compiled.get_template(name)
