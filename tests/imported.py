"""What the server that commands are forked from has imported, so that no command pays for it.

What the Hub's library reads of the environment it reads when it is imported, so only what it imports in turn is here.
"""

from __future__ import annotations

import contextlib
import gc
import importlib

from sagellm_benchmark.report.html import _environment

COMMANDS = (
    "sagellm_benchmark.cli",
    "sagellm_benchmark.evidence.signing",
    "sagellm_benchmark.evidence.verify",
    "sagellm_benchmark.hub.directory",
    "sagellm_benchmark.hub.publish",
    "sagellm_benchmark.library",
    "sagellm_benchmark.options.spec",
    "sagellm_benchmark.report.comparison",
    "sagellm_benchmark.report.folder",
    "sagellm_benchmark.report.opening",
    "sagellm_benchmark.report.publishing",
    "sagellm_benchmark.report.screen",
    "sagellm_benchmark.runs.pipeline",
)
BEHIND = (
    "concurrent.futures",
    "filelock",
    "httpcore2",
    "httpx2",
    "numpy.ma",  # imported by the first median
    "tqdm.auto",
    "truststore",
    "uvloop",
    "yaml",
)

for name in COMMANDS:
    importlib.import_module(name)
for name in BEHIND:
    with contextlib.suppress(ImportError):  # another version of the Hub's library may do without
        importlib.import_module(name)

for name in _environment().list_templates():
    _environment().get_template(name)  # compiled once; a report takes longer to compile than to fill

gc.collect()
gc.freeze()  # no command looks through all this for garbage, nor copies it to do so
