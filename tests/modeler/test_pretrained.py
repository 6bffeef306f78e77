import h5py
import keras
import numpy as np
import pytest

from source.config.errors import CheckpointError
from source.modeler import _naming, _pretrained
from tests.modeler.conftest import with_norm

WEIGHTS = ["conv/kernel", "conv/bias", "norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance"]
HEAD = ["head/kernel", "head/bias"]


@pytest.fixture
def trained(make_modeler, batch):
    modeler = make_modeler(with_norm, seed=3, ema_decay=0.5)
    modeler.train_step(batch)
    return modeler


@pytest.fixture
def fresh(make_modeler):
    return make_modeler(with_norm, ema_decay=0.5)


def save(modeler, path):
    np.savez(path, step=7, **{name: variable.numpy() for name, variable in modeler.state().items()})


def assert_equal_weights(one, other):
    for ours, theirs in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=ours.path)


def test_a_checkpoint_gives_its_averaged_weights(trained, fresh, tmp_path):
    save(trained, tmp_path / "c.npz")
    report = fresh.restore_pretrained(tmp_path / "c.npz")
    assert report == _pretrained.PretrainedReport(path=str(tmp_path / "c.npz"), loaded=(*WEIGHTS, *HEAD))
    with trained.evaluation_weights():
        assert_equal_weights(fresh.model, trained.model)


def test_the_average_begins_at_the_restored_weights(trained, fresh, tmp_path):
    save(trained, tmp_path / "c.npz")
    fresh.restore_pretrained(tmp_path / "c.npz")
    before = fresh.model.get_weights()
    with fresh.evaluation_weights():
        for lent, own in zip(fresh.model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(lent, own)


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_files_of_keras_are_read_by_the_names_of_layers(trained, fresh, tmp_path, name):
    (trained.model.save if name == "m.keras" else trained.model.save_weights)(tmp_path / name)
    report = fresh.restore_pretrained(tmp_path / name)
    assert (report.loaded, report.missing, report.unused) == ((*WEIGHTS, *HEAD), (), ())
    assert_equal_weights(fresh.model, trained.model)


def test_plain_arrays_are_read_by_path(trained, fresh, tmp_path):
    np.savez(tmp_path / "w.npz", **{weight.path: weight.numpy() for weight in trained.model.weights})
    assert fresh.restore_pretrained(tmp_path / "w.npz").loaded == (*WEIGHTS, *HEAD)
    assert_equal_weights(fresh.model, trained.model)


def test_the_report_says_what_did_not_fit(trained, fresh, tmp_path):
    arrays = {weight.path: weight.numpy() for weight in trained.model.weights}
    arrays["other/kernel"] = arrays.pop("conv/bias")
    arrays["head/kernel"] = np.zeros((16, 10), np.float32)
    np.savez(tmp_path / "w.npz", **arrays)
    report = fresh.restore_pretrained(tmp_path / "w.npz", skip=("norm/moving",))
    assert report == _pretrained.PretrainedReport(
        path=str(tmp_path / "w.npz"),
        loaded=("conv/kernel", "norm/gamma", "norm/beta", "head/bias"),
        missing=("conv/bias",),
        mismatched=("head/kernel (16, 3) (there (16, 10))",),
        skipped=("norm/moving_mean", "norm/moving_variance"),
        unused=("other/kernel",),
    )
    assert str(report).splitlines() == [
        f"Pretrained weights from {tmp_path / 'w.npz'}",
        "  loaded        4: conv/kernel, norm/gamma, norm/beta, head/bias",
        "  missing       1: conv/bias",
        "  mismatched    1: head/kernel (16, 3) (there (16, 10))",
        "  skipped       2: norm/moving_mean, norm/moving_variance",
        "  unused        1: other/kernel",
    ]


def test_a_long_list_is_cut_short():
    report = _pretrained.PretrainedReport(path="x.npz", loaded=tuple("abcdef"))
    assert str(report).splitlines()[1] == "  loaded        6: a, b, c, d and 2 more"


def test_layers_numbered_by_keras_are_found_whatever_their_numbers(tmp_path):
    def make():
        inputs = keras.Input((4,))
        return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Dense(5)(inputs)))

    first, second = make(), make()
    np.savez(tmp_path / "w.npz", **{f"model/{n}": v.numpy() for n, v in _naming.model_names(first).items()})
    _pretrained.restore(_naming.model_names(second), str(tmp_path / "w.npz"), ())
    assert_equal_weights(first, second)


def test_the_weights_of_a_nested_model_are_found_at_the_top(tmp_path):
    base = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="deep")], name="base")
    keras.Sequential([keras.Input((4,)), base]).save_weights(tmp_path / "w.weights.h5")
    inputs = keras.Input((4,))
    flat = keras.Model(inputs, keras.layers.Dense(3, name="deep")(inputs))
    report = _pretrained.restore(_naming.model_names(flat), str(tmp_path / "w.weights.h5"), ())
    assert report.loaded == ("deep/kernel", "deep/bias")
    np.testing.assert_array_equal(flat.get_weights()[0], base.get_weights()[0])


def test_a_file_of_another_model_is_refused_with_the_nearest_name(fresh, tmp_path):
    np.savez(tmp_path / "w.npz", **{"conv_/kernel": np.zeros(3)})
    with pytest.raises(CheckpointError, match=r"nothing in .* there is no `conv/kernel`\. Did you mean `conv_/kernel`"):
        fresh.restore_pretrained(tmp_path / "w.npz")


def test_a_file_of_other_shapes_is_refused(fresh, tmp_path):
    np.savez(tmp_path / "w.npz", **{"conv/kernel": np.zeros(3)})
    with pytest.raises(CheckpointError, match=r"`conv/kernel \(1, 1, 1, 4\) \(there \(3,\)\)` has another shape"):
        fresh.restore_pretrained(tmp_path / "w.npz")


def test_skipping_everything_is_refused(trained, fresh, tmp_path):
    save(trained, tmp_path / "c.npz")
    with pytest.raises(CheckpointError, match="skip_pretrained_var leaves nothing to load"):
        fresh.restore_pretrained(tmp_path / "c.npz", skip=("/",))


def as_keras2(path, modeler, names):
    """Writes a modeler's weights as Keras 2 did, under other names of layers."""
    with h5py.File(path, "w") as archive:
        archive.attrs["layer_names"] = [name.encode() for name in names.values()]
        for ours, theirs in names.items():
            weights = modeler.model.get_layer(ours).weights
            group = archive.create_group(theirs)
            group.attrs["weight_names"] = [f"{theirs}/{weight.name}:0".encode() for weight in weights]
            for weight in weights:
                group[f"{theirs}/{weight.name}:0"] = weight.numpy()


OTHER_NAMES = {"norm": "batch_normalization", "conv": "conv2d", "head": "dense"}


def test_layers_with_other_names_are_matched_by_their_order(trained, fresh, tmp_path):
    as_keras2(tmp_path / "m.h5", trained, OTHER_NAMES)
    report = fresh.restore_pretrained(tmp_path / "m.h5")
    assert report.by_order and sorted(report.loaded) == sorted((*WEIGHTS, *HEAD))
    assert str(report).startswith(f"Pretrained weights from {tmp_path / 'm.h5'}, matched by the order of layers\n")
    assert_equal_weights(fresh.model, trained.model)


def test_names_that_agree_go_before_order(trained, fresh, tmp_path):
    as_keras2(tmp_path / "m.h5", trained, {name: name for name in OTHER_NAMES})
    assert not fresh.restore_pretrained(tmp_path / "m.h5").by_order
    assert_equal_weights(fresh.model, trained.model)


def test_a_last_layer_of_other_classes_is_reported_or_skipped(trained, make_modeler, tmp_path):
    as_keras2(tmp_path / "m.h5", trained, OTHER_NAMES)
    with h5py.File(tmp_path / "m.h5", "a") as archive:
        del archive["dense/dense/bias:0"]
        archive["dense/dense/bias:0"] = np.zeros(10)
    report = make_modeler(with_norm).restore_pretrained(tmp_path / "m.h5")
    assert report.mismatched == ("head/bias (3,) (there (10,))",)
    report = make_modeler(with_norm).restore_pretrained(tmp_path / "m.h5", skip=("head",))
    assert (report.skipped, report.loaded) == (tuple(HEAD), tuple(WEIGHTS))


def test_order_is_no_match_for_another_network(trained, fresh, tmp_path):
    as_keras2(tmp_path / "m.h5", trained, {"conv": "conv2d", "head": "dense"})
    with pytest.raises(CheckpointError, match=r"nothing in .* there is no `conv/kernel`"):
        fresh.restore_pretrained(tmp_path / "m.h5")


RULES = """
may_miss: [^head/]
rules:
  - rename: {'^c\\.': conv/, '^n\\.': norm/, 'steps': null}
"""


def save_foreign(folder, **more):
    kernel = np.random.default_rng(0).normal(size=(3, 3, 1, 4)).astype(np.float32)
    norm = {f"n.{part}": np.full(4, 2.0) for part in ("gamma", "beta", "moving_mean", "moving_variance")}
    np.savez(folder / "w.npz", **{"c.kernel": kernel, "c.bias": np.ones(4), **norm, "steps": 7, **more})
    (folder / "r.yaml").write_text(RULES)
    return folder / "w.npz", str(folder / "r.yaml")


def test_rules_say_what_becomes_of_every_array(fresh, tmp_path):
    shapes = {name: tuple(variable.shape) for name, variable in _naming.model_names(fresh.model).items()}
    path, rules = save_foreign(tmp_path, **{"c.kernel": np.ones(shapes["conv/kernel"])})
    report = fresh.restore_pretrained(path, rules=rules)
    assert report == _pretrained.PretrainedReport(
        path=f"{path} by the rules {rules}", loaded=tuple(WEIGHTS), missing=tuple(HEAD), unused=("steps",)
    )
    with fresh.evaluation_weights():
        np.testing.assert_array_equal(fresh.model.get_layer("conv").kernel, np.ones(shapes["conv/kernel"]))


def test_rules_leave_nothing_open(fresh, tmp_path):
    path, rules = save_foreign(tmp_path, other=np.ones(2))
    with pytest.raises(CheckpointError, match=r"`other`: the model has no such weight"):
        fresh.restore_pretrained(path, rules=rules)


def test_weights_that_are_skipped_need_no_source(fresh, tmp_path):
    shapes = {name: tuple(variable.shape) for name, variable in _naming.model_names(fresh.model).items()}
    path, rules = save_foreign(tmp_path, **{"c.kernel": np.ones(shapes["conv/kernel"])})
    report = fresh.restore_pretrained(path, skip=("head", "norm"), rules=rules)
    assert (report.missing, report.skipped) == ((), (*WEIGHTS[2:], *HEAD))
