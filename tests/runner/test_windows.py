import json

from source.runner._windows import OpenWindow


def test_a_window_is_the_mean_over_its_blocks():
    window = OpenWindow(first_step=11)
    window.add(2, 0.5, {"loss": 6.0}, {"loss": 2.0})
    window.add(1, 0.25, {"loss": 3.0}, {"loss": 3.0})
    closed = window.closed(examples_per_step=32)
    assert (closed.first_step, closed.last_step, closed.seconds, closed.examples) == (11, 13, 0.75, 96)
    assert (closed.mean, closed.last) == ({"loss": 3.0}, {"loss": 3.0})


def test_a_window_survives_json():
    window = OpenWindow(first_step=1)
    window.add(3, 0.1, {"loss": 0.1 + 0.2}, {"loss": 1 / 3})
    assert OpenWindow(**json.loads(json.dumps(window.state()))) == window
