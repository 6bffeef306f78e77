import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import CheckpointError
from source.runner._checkpoint import list_checkpoints
from source.runner._saver import Saver

IDENTITY = {"seed": 0, "batch_size": 32, "num_samples": 100}


def variables(**values):
    return {name.replace("__", "/"): tf.Variable(value) for name, value in values.items()}


def save(folder, step=5, identity=IDENTITY, **values):
    saver = Saver(folder, variables(**values), identity)
    saver.request("checkpoints", step, keep=2)
    saver.save_requested(step, {"train_loss": {"state": {}}})


def restore(folder, held, identity=IDENTITY, to_go_on=True):
    said = []
    record = Saver(folder, held, identity).restore_latest(said.append, to_go_on)
    return record, said


def test_values_step_and_memory_come_back(tmp_path):
    save(tmp_path, model__kernel=[1.0, 2.0], optimizer__iteration=5)
    held = variables(model__kernel=[0.0, 0.0], optimizer__iteration=0)
    record, said = restore(tmp_path, held)
    assert (record["step"], record["callbacks"], said) == (5, {"train_loss": {"state": {}}}, [])
    np.testing.assert_array_equal(held["model/kernel"].numpy(), [1.0, 2.0])
    assert held["optimizer/iteration"].numpy() == 5


def test_nothing_is_restored_from_an_empty_folder(tmp_path):
    assert restore(tmp_path, variables(model__kernel=[0.0])) == (None, [])


def test_nothing_is_written_unless_asked_for(tmp_path):
    Saver(tmp_path, variables(model__kernel=[0.0]), IDENTITY).save_requested(1, {})
    assert list(tmp_path.iterdir()) == []


def test_a_broken_newest_file_is_said_and_passed_over(tmp_path):
    save(tmp_path, step=5, model__kernel=[1.0])
    save(tmp_path, step=6, model__kernel=[2.0])
    newest = list_checkpoints(tmp_path / "checkpoints")[-1][1]
    newest.write_bytes(newest.read_bytes()[:-10])
    held = variables(model__kernel=[0.0])
    record, said = restore(tmp_path, held)
    assert (record["step"], held["model/kernel"].numpy()[0]) == (5, 1.0)
    assert len(said) == 1
    assert said[0].startswith(f"{newest}: not a readable checkpoint")
    assert said[0].endswith("Falling back to the one before.")


def test_the_checkpoint_of_a_step_that_is_wanted_is_restored(tmp_path):
    save(tmp_path, step=5, model__kernel=[1.0])
    save(tmp_path, step=6, model__kernel=[2.0])
    held = variables(model__kernel=[0.0])
    saver = Saver(tmp_path, held, IDENTITY)
    assert saver.restore_latest(print, False, 5)["step"] == 5
    assert held["model/kernel"].numpy()[0] == 1.0
    assert saver.restore_latest(print, False, 7) is None


def test_only_broken_files_are_an_error(tmp_path):
    save(tmp_path, model__kernel=[1.0])
    list_checkpoints(tmp_path / "checkpoints")[0][1].write_bytes(b"")
    with pytest.raises(CheckpointError, match="none of the 1 checkpoints can be read"):
        restore(tmp_path, variables(model__kernel=[0.0]))


def test_another_shape_is_named(tmp_path):
    save(tmp_path, model__kernel=[1.0, 2.0])
    with pytest.raises(CheckpointError, match=r"`model/kernel` has shape \(2,\) there, \(3,\) in this model"):
        restore(tmp_path, variables(model__kernel=[0.0, 0.0, 0.0]))


def test_another_model_is_named_with_the_nearest_variable(tmp_path):
    save(tmp_path, model__conv1=[1.0])
    with pytest.raises(CheckpointError, match=r"`model/conv2` is not in the file .* Did you mean `model/conv1`"):
        restore(tmp_path, variables(model__conv2=[0.0], model__conv1=[0.0]))


def test_only_training_needs_the_state_of_the_optimizer(tmp_path):
    save(tmp_path, model__kernel=[1.0, 2.0], optimizer__momentum=[3.0])
    held = variables(model__kernel=[0.0, 0.0], optimizer__velocity=[0.0, 0.0])
    with pytest.raises(CheckpointError, match="`optimizer/velocity` is not in the file"):
        restore(tmp_path, held)
    restore(tmp_path, held, {}, to_go_on=False)
    np.testing.assert_array_equal(held["model/kernel"].numpy(), [1.0, 2.0])
    np.testing.assert_array_equal(held["optimizer/velocity"].numpy(), [0.0, 0.0])


def test_averaged_weights_are_needed_by_every_mode(tmp_path):
    save(tmp_path, model__kernel=[1.0], average__kernel=[2.0])
    with pytest.raises(CheckpointError, match="`average/kernel` is only in the file"):
        restore(tmp_path, variables(model__kernel=[0.0]), {}, to_go_on=False)


def test_automatic_names_that_differ_are_matched_by_order(tmp_path):
    save(tmp_path, model__dense_1=[1.0], model__dense_2=[2.0, 3.0])
    held = variables(model__dense_7=[0.0], model__dense_8=[0.0, 0.0])
    restore(tmp_path, held)
    assert [list(variable.numpy()) for variable in held.values()] == [[1.0], [2.0, 3.0]]


@pytest.mark.parametrize("name", IDENTITY)
def test_training_does_not_go_on_with_batches_in_another_order(tmp_path, name):
    save(tmp_path, model__kernel=[1.0])
    other = {**IDENTITY, name: 7}
    with pytest.raises(CheckpointError, match=rf"made with {name}={IDENTITY[name]}, now .* is 7"):
        restore(tmp_path, variables(model__kernel=[0.0]), other)
    record, _ = restore(tmp_path, variables(model__kernel=[0.0]), {}, to_go_on=False)
    assert record["step"] == 5


def test_old_ones_are_removed_only_where_asked(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path, step=step, model__kernel=[1.0])
    saver = Saver(tmp_path, variables(model__kernel=[1.0]), IDENTITY)
    for step in (1, 2, 3):
        saver.request("checkpoints/best", step, keep=None)
        saver.save_requested(step, {})
    assert [step for step, _ in list_checkpoints(tmp_path / "checkpoints")] == [2, 3]
    assert [step for step, _ in list_checkpoints(tmp_path / "checkpoints" / "best")] == [1, 2, 3]
