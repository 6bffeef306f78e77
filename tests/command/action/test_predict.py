"""Tests of the action `predict`, another name for `infer`; test_infer.py has what it does."""

from source.command.action import infer, predict


def test_it_is_infer(monkeypatch):
    called = []
    monkeypatch.setattr(infer, "run", called.append)
    predict.run("session")
    assert called == ["session"]
