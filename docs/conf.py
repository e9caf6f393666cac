"""Sphinx configuration of the documentation site: ``make docs`` builds it into build/docs."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

project = "scaling-studies"
author = "The scaling-studies developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["build"]

html_theme = "furo"
html_title = "scaling-studies"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": False}
# Both styles have a contrast of at least 4.5 on the theme's backgrounds.
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

myst_heading_anchors = 3

autodoc_typehints = "signature"
maximum_signature_line_length = 88
autodoc_member_order = "bysource"
napoleon_google_docstring = True


def name_files(app: Sphinx, doctree: nodes.document) -> None:
    """Replace each link to a file or folder of the repository that is no page of the site by its text.

    A link to something that does not exist stays, and is a warning and so an error.
    """
    folder = Path(str(doctree["source"])).parent
    for link in list(doctree.findall(pending_xref)):
        target = str(link.get("reftarget", "")).partition("#")[0]
        if target.startswith("../") and (folder / target).resolve().exists():
            link.replace_self(link.children)


ACCESSIBLE = {
    "<pre>": '<pre tabindex="0">',  # what scrolls can be scrolled with the keyboard
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="This page">',
    '<aside class="toc-drawer no-toc">': '<aside class="toc-drawer no-toc" aria-label="This page">',
}
"""What the theme writes, and what it lacks for readers who use a keyboard or a screen reader."""


def make_accessible(app: Sphinx, failure: Exception | None) -> None:
    """Complete the pages that were written."""
    for page in Path(app.outdir).rglob("*.html") if failure is None else ():
        text = page.read_text()
        complete = text
        for old, new in ACCESSIBLE.items():
            complete = complete.replace(old, new)
        if complete != text:
            page.write_text(complete)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the changes to links and pages."""
    app.connect("doctree-read", name_files)
    app.connect("build-finished", make_accessible)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
