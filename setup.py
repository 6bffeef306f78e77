"""Metadata of the distribution: what it is called, needs and installs."""

import ast
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent


def read_version() -> str:
    """Returns `__version__` of `source/__init__.py` without importing it: the only place that states it."""
    tree = ast.parse((ROOT / "source" / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__version__":
            return str(ast.literal_eval(node.value))
    raise RuntimeError("`source/__init__.py` must assign `__version__`.")


INSTALL_REQUIRES = [
    "tensorflow>=2.21,<2.22",
    "keras>=3.13",
    "numpy",
    "pydantic>=2",
    "pyyaml",
    "omegaconf>=2.4",
    "rich",
    "tensorboard",
    "pillow",
    "matplotlib",
    "scikit-learn",  # its 1,797 handwritten digits are the data of the first demo
]

EXPORT = ["ai-edge-litert", "ai-edge-quantizer", "onnx", "onnxruntime", "tf2onnx"]

EXTRAS_REQUIRE = {
    "export": EXPORT,
    "datasets": ["tensorflow-datasets"],
    "dev": [
        *EXPORT,  # every exporter is tested
        "build",
        "hypothesis",
        "mypy",
        "pytest>=8",
        "pytest-xdist",
        "ruff>=0.9",
        "setuptools>=77",  # the wheel test builds without an isolated environment
        "types-PyYAML",
    ],
    "docs": ["furo", "myst-parser>=4", "sphinx>=8"],
}

setup(
    name="espalier",
    version=read_version(),
    description="Train, compress and ship Keras 3 models on TensorFlow, from parts swapped by name.",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords=["keras", "tensorflow", "deep learning", "training", "model compression"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["source", "source.*", "espalier"]),
    # The plain mapping makes `pip install -e .` a path entry, which type checkers follow too.
    package_dir={"": "."},
    package_data={
        "source": ["py.typed", "graph/hardware/*.yaml", "recipe/*.yaml", "recipe/*/*.yaml"],
        "espalier": ["py.typed"],
    },
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS_REQUIRE,
    entry_points={"console_scripts": ["espalier = source.command.main:main"]},
    zip_safe=False,
)
