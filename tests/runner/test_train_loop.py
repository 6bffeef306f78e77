import tensorflow as tf

from source.runner._train_loop import TrainLoop


def counting_step(weight):
    def step(batch):
        weight.assign_add(batch)
        return {"loss": tf.cast(batch, tf.float32), "weight": tf.identity(weight)}

    return step


def test_a_block_takes_the_next_batches_and_sums_what_the_steps_return():
    weight = tf.Variable(0.0)
    loop = TrainLoop(counting_step(weight), tf.Variable(False))
    batches = iter(tf.data.Dataset.range(1, 100).map(lambda number: tf.cast(number, tf.float32)))
    first = loop.run(batches, 3)
    assert (first.steps, first.totals, first.last) == (
        3,
        {"loss": 6.0, "weight": 1.0 + 3.0 + 6.0},
        {"loss": 3.0, "weight": 6.0},
    )
    second = loop.run(batches, 2)
    assert (second.steps, second.totals["loss"], weight.numpy()) == (2, 9.0, 15.0)


def test_blocks_of_any_length_share_one_trace():
    traces = []

    def step(batch):
        traces.append(1)
        return {"loss": tf.cast(batch, tf.float32)}

    loop = TrainLoop(step, tf.Variable(False))
    batches = iter(tf.data.Dataset.range(100))
    for steps in (1, 5, 2):
        loop.run(batches, steps)
    assert len(traces) == 1


def test_no_step_is_done_once_a_stop_was_asked_for():
    stop = tf.Variable(False)
    loop = TrainLoop(lambda batch: {"loss": tf.cast(batch, tf.float32)}, stop)
    batches = iter(tf.data.Dataset.range(100))
    assert loop.run(batches, 2).steps == 2
    stop.assign(True)
    assert loop.run(batches, 2).steps == 0


def test_a_stop_asked_for_within_a_block_ends_it_after_that_step():
    stop = tf.Variable(False)

    def step(batch):
        stop.assign(batch >= 3)
        return {"loss": tf.cast(batch, tf.float32)}

    result = TrainLoop(step, stop).run(iter(tf.data.Dataset.range(100)), 50)
    assert (result.steps, result.last) == (4, {"loss": 3.0})


def test_sums_are_exact_where_float32_would_drop_steps():
    # 2^24 + 1 is the first whole number that float32 cannot hold.
    loop = TrainLoop(lambda batch: {"loss": tf.cast(batch, tf.float32)}, tf.Variable(False))
    batches = iter(tf.data.Dataset.from_tensor_slices([2.0**24, 1.0, 1.0]))
    assert loop.run(batches, 3).totals == {"loss": 2.0**24 + 2}


def test_xla_compiles_the_step():
    loop = TrainLoop(lambda batch: {"loss": tf.cast(batch, tf.float32) * 2}, tf.Variable(False), jit_compile=True)
    assert loop.run(iter(tf.data.Dataset.range(5)), 3).totals == {"loss": 6.0}
