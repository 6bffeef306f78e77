import keras

from source.modeler import _naming


def unnamed_model():
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(2, 1)(inputs)
    x = keras.layers.Conv2D(2, 1)(x)
    x = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(x))
    x = keras.layers.Dropout(0.5)(keras.layers.Conv2D(2, 1, name="stage_2")(x))
    return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)))


def test_names_do_not_depend_on_the_models_made_before():
    first = list(_naming.model_names(unnamed_model()))
    assert list(_naming.model_names(unnamed_model())) == first
    assert first == [
        "conv2d/kernel",
        "conv2d/bias",
        "conv2d_1/kernel",
        "conv2d_1/bias",
        "batch_normalization/gamma",
        "batch_normalization/beta",
        "batch_normalization/moving_mean",
        "batch_normalization/moving_variance",
        "seed_generator/seed_generator_state",
        "stage_2/kernel",
        "stage_2/bias",
        "seed_generator_1/seed_generator_state",
        "dense/kernel",
        "dense/bias",
    ]


def test_every_variable_has_a_name_of_its_own():
    inner = [keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="same")], name="same") for _ in "ab"]
    inputs = keras.Input((4,))
    first = keras.Model(inputs, inner[0](inputs), name="first")
    second = keras.Model(inputs, inner[1](inputs), name="second")
    model = keras.Model(inputs, [first(inputs), second(inputs)])
    names = _naming.model_names(model)
    assert list(names) == ["same/same/kernel", "same/same/bias", "same/same/kernel#2", "same/same/bias#2"]
    assert [id(variable) for variable in names.values()] == [id(variable) for variable in model.variables]


def test_states_of_an_optimizer_are_named_by_their_weight():
    weights = [(name, keras.Variable([1.0], name=name)) for name in ("b", "b_c")]
    optimizer = keras.optimizers.Adam(0.1, name="adam")  # whose rate is a variable, without a schedule
    optimizer.build([weight for _, weight in weights])
    assert list(_naming.optimizer_names(optimizer.variables, weights)) == [
        "iteration",
        "learning_rate",
        "b/momentum",
        "b/velocity",
        "b_c/momentum",
        "b_c/velocity",
    ]


def test_a_name_that_occurs_again_is_numbered():
    assert _naming.unique(["a", "b", "a", "a"]) == ["a", "b", "a#2", "a#3"]


def test_layers_of_nested_models_take_their_place():
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="inner")])
    model = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2, name="outer")])
    assert [layer.name for layer in _naming.all_layers(model)] == ["inner", "outer"]
