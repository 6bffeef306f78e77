import numpy as np
import tensorflow as tf

from source.runner._passes import EvaluationPass, predictions


def test_every_batch_is_evaluated_once_in_each_run():
    total = tf.Variable(0, dtype=tf.int64)

    def step(batch):
        total.assign_add(batch)

    evaluation = EvaluationPass(step, tf.data.Dataset.range(5))
    evaluation.run()
    assert total.numpy() == 10
    evaluation.run()
    assert total.numpy() == 20


def test_predictions_leave_out_rows_that_only_fill_up():
    dataset = tf.data.Dataset.from_tensor_slices(
        {"image": tf.reshape(tf.range(4.0), (4, 1)), "index": [0, 1, 2, 0], "weight": [1.0, 1.0, 1.0, 0.0]}
    ).batch(2)
    outputs = list(predictions(lambda batch: {"classes": batch["image"][:, 0] * 2}, dataset))
    assert [list(batch["classes"]) for batch in outputs] == [[0.0, 2.0], [4.0]]
    assert [list(batch["index"]) for batch in outputs] == [[0, 1], [2]]
    np.testing.assert_array_equal(outputs[1]["image"], [[2.0]])
