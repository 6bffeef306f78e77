"""Settings of the documentation build; it works offline and counts every warning as an error."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

# Reading docstrings computes nothing: TensorFlow need not greet, nor look for an accelerator.
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1")

import source  # noqa: E402  (found through the path set above)

project = "Espalier"
author = "The Espalier authors"
project_copyright = "The Espalier authors, Apache License 2.0"
version = release = source.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "myst_parser", "api_pages"]
exclude_patterns = ["_build", "_ext"]
nitpicky = True
# What other projects document is not looked up, because that would need the network; private names and type
# variables stand in signatures but on no page.
nitpick_ignore_regex = [("py:.*", r"(?!(source|espalier)\.).*"), ("py:.*", r".*\.(_.*|[A-Z])")]
default_role = "code"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries = False

html_theme = "furo"
html_title = f"Espalier {release}"
html_copy_source = False
