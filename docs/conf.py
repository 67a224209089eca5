"""The documentation as a site: the pages of this folder and the README, as they stand, with their links checked.

``sphinx-build -W -c docs . OUT`` from the root of the checkout (``tox -e docs``).
"""

import re
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

project = "Clusterless"
author = "the Clusterless team"
release = version_of("clusterless")

extensions = ["myst_parser", "sphinxcontrib.mermaid"]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "core/README.md",
    "docs/**",
    "examples/*/README.md",
    "plugins/*/README.md",
    "benchmarks/README.md",
]
exclude_patterns = ["docs/conf.py", "docs/build.py"]

myst_heading_anchors = 4  # links to headings are written as for a code host's own view of a page
myst_fence_as_directive = ["mermaid"]
suppress_warnings = ["myst.header"]  # a page may begin where its reader is, not at its first level

html_theme = "furo"
html_title = "Clusterless"
html_copy_source = False
html_show_sphinx = False

CONTENTS = """
```{{toctree}}
:caption: {caption}
:hidden:
:glob:

{pages}
```
"""

SECTIONS = {
    "Begin": ["Start <../README>", "tutorial", "../examples/*/README", "../core/README"],
    "How to": ["howto/*"],
    "Providers": ["../plugins/*/README"],
    "Reference": ["project-file", "components", "cli", "errors", "hooks", "sdk", "layout"],
    "Explanation": ["why", "protocol", "guarantees", "threat-model"],
    "Project": [
        "decisions/README",
        "decisions/0*",
        "../benchmarks/README",
        "../core/README",
        "Contributing <../CONTRIBUTING>",
        "Changes <../CHANGELOG>",
    ],
}

LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>[^)#:\s]+)\)")


def adapt(_app: Any, name: str, source: list[str]) -> None:
    """Links into the code become plain words, and the index gets its contents, which a code host need not show."""
    folder = (ROOT / name).parent
    source[0] = LINK.sub(lambda link: link[0] if link["target"].endswith(".md") else _plain(folder, link), source[0])
    if name == root_doc:
        source[0] += "".join(
            CONTENTS.format(caption=title, pages="\n".join(pages)) for title, pages in SECTIONS.items()
        )


def _plain(folder: Path, link: re.Match[str]) -> str:
    """The words of a link to something that is there, and no page; any other is left to be complained of."""
    return link["text"] if (folder / link["target"]).exists() else link[0]


def setup(app: Any) -> None:
    app.connect("source-read", adapt)
