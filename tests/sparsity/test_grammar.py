"""Tests of the names of sparsity patterns."""

import subprocess
import sys

import pytest

import espalier
import source.sparsity
from source.config.errors import ConfigError, UnknownNameError
from source.sparsity import sparsity_pattern

CANONICAL = {
    "TOPK{0.5}": "TOPK{0.5}",
    "TOPK{1}": "TOPK{1.0}",
    "TOPK{1e-3}": "TOPK{0.001}",
    "TOPK{.5}(U)": "TOPK{0.5}",
    "topk{0.5}(M)": "TOPK{0.5}",
    "BTOPK{4:8,1}(U)": "BTOPK{4:8,1}",
    "BTOPK{2:4}": "BTOPK{2:4,-1}",
    "2:4": "BTOPK{2:4,-1}",
    "2:4,-2": "BTOPK{2:4,-2}",
    "BTK8_4_LD": "BTOPK{4:8,-1}",
    "BTK8_4_FD": "BTOPK{4:8,1}",
    "BTK8_2_LD": "BTOPK{2:8,-1}",
    "BLOCK{0.25,1x4}": "BLOCK{0.25,1x4}",
    "KERNEL{0.25}": "KERNEL{0.25}",
    "CHANNEL{0.25}": "CHANNEL{0.25,-1}",
    "CHANNEL{0.25,-2}": "CHANNEL{0.25,-2}",
    "BERN": "BERN",
    "BERN{0}": "BERN",
    "BERN{7}(M)": "BERN{7}",
    " dense ": "DENSE",
}

MALFORMED = {
    "TOPK": "at character 5, `{` was expected. Received: the end. It is written `TOPK{density}`.",
    "TOPK{half}": "at character 6, the density, a number was expected. Received: `half}`.",
    "TOPK{0.5}x": "at character 10, the end was expected. Received: `x`.",
    "TOPK{0.5}(S)": "at character 10, the end was expected. Received: `(S)`.",
    "BTOPK{2;4}": "at character 8, `:` was expected. Received: `;4}`. It is written `BTOPK{kept:of,axis}`.",
    "2/4": "at character 2, `:` was expected. Received: `/4`. It is written `kept:of,axis`.",
    "2:4,x": "at character 5, the axis, an integer was expected. Received: `x`.",
    "BLOCK{0.5,4}": "at character 12, `x` was expected. Received: `}`. It is written `BLOCK{density,4x4}`.",
    "CHANNEL{0.5": "at character 12, `}` was expected. Received: the end. It is written `CHANNEL{density,axis}`.",
    "BERN{x}": "at character 6, the seed, an integer was expected. Received: `x}`.",
}


@pytest.mark.parametrize(("name", "canonical"), CANONICAL.items())
def test_names_have_a_canonical_form(name, canonical):
    assert str(sparsity_pattern(name)) == canonical
    assert sparsity_pattern(canonical) == sparsity_pattern(name)


@pytest.mark.parametrize(("name", "problem"), MALFORMED.items())
def test_a_malformed_name_is_told_where(name, problem):
    with pytest.raises(ConfigError) as caught:
        sparsity_pattern(name)
    assert str(caught.value).startswith(f"`{name}` is no sparsity pattern: {problem}")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("TOPK{2}", "`density` must be in (0, 1]. Received: density=2.0."),
        ("5:4", "A group of 4 must keep 1 to 4 entries. Received: keep=5."),
        ("BLOCK{0.5,1x1}", "`shape` of a block must be two positive integers, not both 1. Received: shape=(1, 1)."),
    ],
)
def test_a_pattern_that_cannot_be_is_refused_with_its_name(name, problem):
    with pytest.raises(ConfigError) as caught:
        sparsity_pattern(name)
    assert str(caught.value) == f"`{name}` is no sparsity pattern: {problem}"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("TPOK{0.5}", "Did you mean `TOPK{0.5}`"),
        ("BTOP{2:4}", "Did you mean `BTOPK{2:4,-1}`?"),
        ("denser", "Did you mean `DENSE`?"),
        ("xyz", "Known: 2:4, BERN, "),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, hint):
    with pytest.raises(UnknownNameError) as caught:
        sparsity_pattern(name)
    assert str(caught.value).startswith(f"There is no sparsity pattern `{name}`. {hint}")


def test_the_rooms_name_is_the_function():
    assert source.sparsity.sparsity_pattern is espalier.sparsity_pattern
    assert espalier.sparsity_pattern("2:4").density == 0.5
    with pytest.raises(AttributeError, match=r"module `source.sparsity` has no attribute `sparsity_patern`"):
        _ = source.sparsity.sparsity_patern


def test_the_room_alone_loads_nothing():
    statement = "import source.sparsity, sys; sys.exit('keras' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", statement], check=True)
