from types import SimpleNamespace

import numpy as np

from espalier import CallbackConfig


def test_it_adds_the_worst_digit_to_the_line_of_every_evaluation(load_demo, tmp_path, capsys):
    assert load_demo("custom_callback.py").main(tmp_path, epochs=2) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "eval_accuracy" in line]
    assert [line.partition(" | ")[0] for line in lines] == ["step 23/44", "step 44/44"]
    assert all(" | worst " in line and line.endswith("% right)") for line in lines)


def test_the_worst_class_has_the_smallest_share_of_its_own_examples_right(load_demo):
    matrix = np.array([[9, 1], [1, 3]])
    run = SimpleNamespace(
        modeler=SimpleNamespace(confusion_matrix=lambda: matrix),
        inputter=SimpleNamespace(class_names=("cat", "dog")),
    )
    callback = load_demo("custom_callback.py").WorstClass(CallbackConfig())
    assert callback.after_evaluate(run, {}) == {"worst": "dog (75.0% right)"}
