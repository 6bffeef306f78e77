"""Tests of the check of shares."""

import types

import pytest

from source.network._settings import require_shares


@pytest.mark.parametrize("value", [0.0, 0.5, 0.999])
def test_a_share_is_accepted(value):
    require_shares(types.SimpleNamespace(dropout=value), "dropout")


@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5])
def test_what_is_no_share_is_refused(value):
    with pytest.raises(ValueError, match=rf"`b` must be from 0 to below 1. Received: b={value}\."):
        require_shares(types.SimpleNamespace(a=0.0, b=value), "a", "b")
