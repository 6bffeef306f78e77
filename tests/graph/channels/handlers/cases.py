"""Small models for each handler: channels can be taken out of all of them."""

from collections.abc import Callable

import keras
from keras import layers, ops

from source.layer.channel_gate import ChannelGate

IMAGE = (6, 6, 3)


def image_model(*parts: Callable) -> keras.Model:
    """Returns a convolution, the parts, and a dense layer on what they leave."""
    inputs = keras.Input(IMAGE)
    x = layers.Conv2D(8, 3, name="made")(inputs)
    for part in parts:
        x = part(x)
    x = layers.Flatten()(x) if len(x.shape) > 2 else x
    return keras.Model(inputs, layers.Dense(3, name="read")(x))


def series_model(*parts: Callable, make: bool = True) -> keras.Model:
    """Returns a dense layer on each of five steps, the parts, and a dense layer."""
    inputs = keras.Input((5, 4))
    x = layers.Dense(8, name="made")(inputs) if make else inputs
    for part in parts:
        x = part(x)
    return keras.Model(inputs, layers.Dense(3, name="read")(x))


def first_model(*parts: Callable) -> keras.Model:
    """Returns a model whose convolutions have their channels first."""
    # No place is as long as there are channels: Keras 3.15 then adds biases along the wrong axis when it runs eagerly.
    inputs = keras.Input((3, 13, 12))
    x = layers.Conv2D(8, 3, data_format="channels_first", name="made")(inputs)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, layers.Dense(3, name="read")(layers.Flatten(data_format="channels_first")(x)))


def gated() -> keras.Model:
    """Returns a model with a squeeze-and-excitation gate."""
    inputs = keras.Input(IMAGE)
    x = layers.Conv2D(8, 3, name="made")(inputs)
    gate = layers.GlobalAveragePooling2D()(x)
    gate = layers.Reshape((1, 1, 8))(gate)
    gate = layers.Conv2D(4, 1, activation="relu", name="squeeze")(gate)
    gate = layers.Conv2D(8, 1, activation="sigmoid", name="gate")(gate)
    x = layers.Multiply()([x, gate])
    return keras.Model(inputs, layers.Dense(3, name="read")(layers.GlobalAveragePooling2D()(x)))


def residual(merge: Callable) -> keras.Model:
    """Returns a model of two convolutions whose outputs meet."""
    inputs = keras.Input(IMAGE)
    x = layers.Conv2D(8, 1, name="made")(inputs)
    y = layers.Conv2D(8, 3, padding="same", name="branch")(x)
    return keras.Model(inputs, layers.Conv2D(3, 1, name="read")(merge(x, y)))


def widened(pad: Callable) -> Callable:
    """Returns what pads 8 channels to 12 and adds a convolution, as a shortcut without weights does."""

    def call(x: keras.KerasTensor) -> keras.KerasTensor:
        y = layers.Conv2D(12, 3, padding="same", name="branch")(x)
        return layers.Add(name="sum")([y, pad(x)])

    return call


def joined(merge: Callable) -> keras.Model:
    """Returns a model of two convolutions of different widths that stand side by side."""
    inputs = keras.Input(IMAGE)
    x, y = layers.Conv2D(8, 1, name="made")(inputs), layers.Conv2D(6, 1, name="branch")(inputs)
    return keras.Model(inputs, layers.Conv2D(3, 1, name="read")(merge(x, y)))


def words() -> keras.Model:
    inputs = keras.Input((5,), dtype="int32")
    return keras.Model(inputs, layers.Dense(3, name="read")(layers.Embedding(4, 8, name="made")(inputs)))


def backwards() -> keras.Model:
    inputs = keras.Input((5,), dtype="int32")
    table = layers.ReversibleEmbedding(4, 8, name="made")
    return keras.Model(inputs, table(table(inputs), reverse=True))


def attention(layer: keras.layers.Layer) -> keras.Model:
    inputs = keras.Input((5, 4))
    query, value = layers.Dense(8, name="made")(inputs), layers.Dense(8, name="other")(inputs)
    return keras.Model(inputs, layers.Dense(3, name="read")(layer(query, value)))


def plain_attention(kind: type) -> keras.Model:
    inputs = keras.Input((5, 4))
    query, value, key = (layers.Dense(8, name=name)(inputs) for name in ("made", "value", "key"))
    return keras.Model(inputs, layers.Dense(3, name="read")(kind()([query, value, key])))


def shuffled(x: keras.KerasTensor) -> keras.KerasTensor:
    """Returns eight channels in another order: the two halves in turns."""
    x = ops.reshape(x, (-1, 4, 4, 2, 4))
    return ops.reshape(ops.transpose(x, (0, 1, 2, 4, 3)), (-1, 4, 4, 8))


def to_space(x: keras.KerasTensor) -> keras.KerasTensor:
    """Returns two channels at four times the places of eight."""
    x = ops.reshape(x, (-1, 4, 4, 2, 2, 2))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 8, 8, 2))


def split(x: keras.KerasTensor) -> keras.KerasTensor:
    first, second = ops.split(x, 2, axis=-1)
    return layers.Concatenate()([layers.Conv2D(4, 1, name="left")(first), second])


def chunks(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Concatenate()(ops.split(x, 2, axis=1))


def stacked(x: keras.KerasTensor) -> keras.KerasTensor:
    y = layers.Conv2D(8, 1, name="other")(x)
    return ops.max(ops.stack([x, y], axis=-1), axis=-1)


def sliced(x: keras.KerasTensor) -> keras.KerasTensor:
    return x[:, 1:, :-1]


def chosen(density: float, rank: int = 4) -> keras.Model:
    """Returns a model whose channels are let through by the saliencies that a dense layer gives them."""
    inputs = keras.Input(IMAGE if rank == 4 else (5, 4))
    convolution, pooling = (
        (layers.Conv2D, layers.GlobalAveragePooling2D) if rank == 4 else (layers.Conv1D, layers.GlobalAveragePooling1D)
    )
    x = convolution(8, 3, name="made")(inputs)
    saliency = layers.Dense(8, activation="relu", name="saliency")(pooling()(inputs))
    x = ChannelGate(density, name="gate")(x, saliency)
    return keras.Model(inputs, layers.Dense(3, name="read")(pooling()(x)))


def films(*parts: Callable, first: bool = False) -> keras.Model:
    """Returns a convolution of each of two pictures, and the parts; with `first`, channels stand before places."""
    inputs = keras.Input((2, 3, 13, 12) if first else (2, 6, 7, 3))  # as above: more places than channels
    settings = FIRST if first else {}
    x = layers.TimeDistributed(layers.Conv2D(8, 3, **settings), name="made")(inputs)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, layers.Dense(3, name="read")(layers.Flatten()(x)))


LSTM, GRU, RNN = layers.LSTM, layers.GRU, layers.SimpleRNN
FIRST = {"data_format": "channels_first"}

# Handler module -> name of the case -> a function that makes the model.
CASES: dict[str, dict[str, Callable[[], keras.Model]]] = {
    "attention": {
        "dot": lambda: plain_attention(layers.Attention),
        "additive": lambda: plain_attention(layers.AdditiveAttention),
    },
    "batch_normalization": {
        "all": lambda: image_model(layers.BatchNormalization(name="normal")),
        "bare": lambda: image_model(layers.BatchNormalization(scale=False, center=False)),
        "first": lambda: first_model(layers.BatchNormalization(axis=1)),
    },
    "bidirectional": {
        "concat": lambda: series_model(layers.Bidirectional(LSTM(6, return_sequences=True), name="both")),
        "sum": lambda: series_model(layers.Bidirectional(GRU(6, return_sequences=True), merge_mode="sum")),
        "given": lambda: series_model(layers.Bidirectional(RNN(6), backward_layer=RNN(6, go_backwards=True))),
    },
    "channel_gate": {
        "all": lambda: chosen(1.0),
        "some": lambda: chosen(0.5),
        "series": lambda: chosen(1.0, rank=3),
    },
    "channel_vector": {
        "by place": lambda: image_model(layers.PReLU(alpha_initializer="uniform")),
        "shared": lambda: image_model(layers.PReLU(shared_axes=[1, 2])),
        "one": lambda: image_model(layers.PReLU(shared_axes=[1, 2, 3])),
        "first": lambda: first_model(layers.PReLU(shared_axes=[2, 3])),
    },
    "concatenation": {
        "channels": lambda: joined(lambda x, y: layers.Concatenate()([x, y])),
        "operation": lambda: joined(lambda x, y: ops.concatenate([x, y], axis=-1)),
        "places": lambda: residual(lambda x, y: layers.Concatenate(axis=1)([x, y])),
        "first": lambda: first_model(lambda x: layers.Concatenate(axis=1)([x, layers.Conv2D(4, 1, **FIRST)(x)])),
        "dense": lambda: image_model(lambda x: layers.Concatenate()([x, layers.Conv2D(4, 1)(x)]), layers.Conv2D(5, 1)),
        "channels and a sum": lambda: image_model(widened(lambda x: ops.pad(x, ((0, 0), (0, 0), (0, 0), (1, 3))))),
        "layer": lambda: image_model(layers.ZeroPadding2D(1)),
        "layer over channels": lambda: image_model(
            widened(layers.ZeroPadding2D(((0, 0), (2, 2)), data_format="channels_first"))
        ),
        "series": lambda: series_model(layers.ZeroPadding1D(2)),
    },
    "convolution": {
        "2d": lambda: image_model(layers.Conv2D(6, 3, strides=2, padding="same")),
        "no bias": lambda: image_model(layers.Conv2D(6, 3, dilation_rate=2, padding="same", use_bias=False)),
        "1d": lambda: series_model(layers.Conv1D(6, 3, padding="causal")),
        "3d": lambda: image_model(layers.Reshape((1, 4, 4, 8)), layers.Conv3D(6, 1)),
        "groups": lambda: image_model(layers.Conv2D(12, 3, groups=4)),
        "groups of one": lambda: image_model(layers.Conv2D(16, 3, groups=8)),
        "first": lambda: first_model(layers.Conv2D(6, 1, **FIRST)),
    },
    "dense": {
        "vector": lambda: image_model(layers.Flatten(), layers.Dense(6, activation="relu")),
        "places": lambda: image_model(layers.Dense(6, use_bias=False)),
    },
    "depthwise_convolution": {
        "once": lambda: image_model(layers.DepthwiseConv2D(3)),
        "twice": lambda: image_model(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)),
        "1d": lambda: series_model(layers.DepthwiseConv1D(3)),
        "first": lambda: first_model(layers.Permute((2, 3, 1)), layers.DepthwiseConv2D(3), layers.Permute((3, 1, 2))),
    },
    "einsum_dense": {
        "like dense": lambda: series_model(layers.EinsumDense("abc,cd->abd", (None, 6), bias_axes="d")),
        "any rank": lambda: series_model(layers.EinsumDense("...x,xy->...y", 6, bias_axes="y")),
        "heads": lambda: series_model(
            layers.EinsumDense("abc,cde->abde", (None, 2, 6), bias_axes="de"),
            layers.EinsumDense("abde,dec->abc", (None, 5), bias_axes="c"),
        ),
        "over steps": lambda: series_model(layers.EinsumDense("abc,bd->adc", (7, 8), bias_axes="d")),
        "scale": lambda: series_model(layers.EinsumDense("abc,c->abc", (None, 8), bias_axes="c")),
    },
    "elementwise": {
        "add": lambda: residual(lambda x, y: layers.Add()([x, y])),
        "operator": lambda: residual(lambda x, y: x * 2.0 + y / 3.0 - 1.0),
        "maximum": lambda: residual(lambda x, y: layers.Maximum()([x, y])),
        "where": lambda: residual(lambda x, y: ops.where(x > 0, x, y)),
        "gate": gated,
        "gate of vectors": lambda: image_model(
            lambda x: layers.Multiply()([x, layers.Dense(8)(layers.GlobalMaxPooling2D()(x))])
        ),
        "gate first": lambda: first_model(
            lambda x: x * layers.Conv2D(8, 1, **FIRST)(layers.GlobalMaxPooling2D(keepdims=True, **FIRST)(x))
        ),
        "places": lambda: image_model(lambda x: x * layers.Conv2D(1, 1, activation="sigmoid")(x)),
    },
    "embedding": {"table": words, "backwards": backwards},
    "group_normalization": {
        "alone": lambda: image_model(layers.GroupNormalization(-1)),
        "as many": lambda: image_model(layers.GroupNormalization(8)),
        "groups": lambda: image_model(layers.GroupNormalization(2, scale=False)),
    },
    "layer_normalization": {
        "layer": lambda: series_model(layers.LayerNormalization()),
        "root mean square": lambda: series_model(layers.RMSNormalization()),
    },
    "mixing": {"product": lambda: series_model(lambda x: layers.Dense(6)(ops.matmul(layers.Dense(5)(x), x)))},
    "movement": {
        "flatten": lambda: image_model(layers.Flatten()),
        "reshape": lambda: image_model(layers.Reshape((16, 8)), layers.Conv1D(5, 1)),
        "free": lambda: image_model(layers.Reshape((-1, 8)), layers.Conv1D(5, 1)),
        "permute": lambda: image_model(layers.Permute((3, 1, 2)), layers.Permute((2, 3, 1)), layers.Conv2D(5, 1)),
        "operation": lambda: image_model(lambda x: ops.reshape(x, (-1, 16, 8)), layers.Conv1D(5, 1)),
        "shuffle": lambda: image_model(shuffled, layers.Conv2D(5, 1)),
        "to space": lambda: image_model(to_space, layers.Conv2D(5, 1)),
        "from a vector": lambda: image_model(
            layers.Flatten(), layers.Dense(64, name="wide"), layers.Reshape((4, 4, 4)), layers.Conv2D(5, 1)
        ),
        "stack": lambda: image_model(stacked),
        "repeat": lambda: image_model(lambda x: ops.repeat(x, 2, axis=-1)),
        "tile": lambda: image_model(lambda x: ops.tile(x, (1, 1, 1, 2))),
        "squeeze": lambda: image_model(lambda x: ops.squeeze(ops.expand_dims(x, 1), 1)),
        "moveaxis": lambda: image_model(lambda x: ops.moveaxis(ops.moveaxis(x, -1, 1), 1, -1)),
        "repeat vector": lambda: image_model(layers.GlobalMaxPooling2D(), layers.RepeatVector(3)),
    },
    "multi_head_attention": {
        "as the query": lambda: attention(layers.MultiHeadAttention(2, 4, name="heads")),
        "given": lambda: attention(layers.MultiHeadAttention(2, 4, output_shape=5, use_bias=False)),
        "groups": lambda: attention(layers.GroupQueryAttention(4, 4, 2)),
    },
    "normalization": {
        "constants": lambda: keras.Sequential(
            [
                keras.Input((4,)),
                layers.Normalization(mean=[1.0] * 4, variance=[2.0] * 4),
                layers.Dense(8, name="made"),
                layers.Dense(3),
            ]
        )
    },
    "padding": {
        "places": lambda: image_model(lambda x: ops.pad(x, ((0, 0), (1, 1), (2, 0), (0, 0)))),
        "channels": lambda: image_model(lambda x: ops.pad(x, ((0, 0), (0, 0), (0, 0), (1, 3))), layers.Conv2D(5, 1)),
    },
    "passing": {
        "activations": lambda: image_model(layers.ReLU(6), layers.Activation("sigmoid"), layers.LeakyReLU()),
        "pooling": lambda: image_model(layers.MaxPooling2D(), layers.ZeroPadding2D(1), layers.Cropping2D(1)),
        "global": lambda: image_model(layers.UpSampling2D(), layers.GlobalAveragePooling2D(), layers.Dropout(0.5)),
        "operations": lambda: image_model(ops.relu6, ops.sqrt, lambda x: ops.clip(x, 0.1, 0.7)),
        "rounding": lambda: image_model(lambda x: keras.quantizers.fake_quant_with_min_max_vars(x, -3.0, 3.0)),
        "first": lambda: first_model(layers.ReLU(), layers.MaxPooling2D(**FIRST), layers.Activation("tanh")),
        "over places": lambda: image_model(layers.Reshape((16, 8)), layers.Softmax(axis=1)),
    },
    "recurrent": {
        "lstm": lambda: series_model(LSTM(6, name="units")),
        "gru": lambda: series_model(GRU(6, return_sequences=True), GRU(5, reset_after=False)),
        "simple": lambda: series_model(RNN(6, use_bias=False)),
        "states": lambda: series_model(lambda x: LSTM(6)(x, initial_state=LSTM(6, return_state=True)(x)[1:])),
    },
    "recurrent_convolution": {
        "2d": lambda: films(layers.ConvLSTM2D(6, 3, return_sequences=True, name="units")),
        "1d": lambda: series_model(layers.Reshape((5, 1, 8)), layers.ConvLSTM1D(6, 1, use_bias=False)),
        "3d": lambda: films(layers.Reshape((2, 1, 4, 5, 8)), layers.ConvLSTM3D(6, (1, 3, 3), padding="same")),
        "first": lambda: films(layers.ConvLSTM2D(6, 3, return_sequences=True, **FIRST), first=True),
        "states": lambda: films(
            lambda x: layers.ConvLSTM2D(6, 1)(x, initial_state=layers.ConvLSTM2D(6, 1, return_state=True)(x)[1:])
        ),
    },
    "reduction": {
        "places": lambda: image_model(lambda x: ops.mean(x, axis=(1, 2)), layers.Dense(5)),
        "kept": lambda: image_model(lambda x: ops.max(x, axis=(1, 2), keepdims=True)),
        "first": lambda: first_model(lambda x: ops.sum(x, axis=(2, 3), keepdims=True)),
    },
    "selection": {
        "places": lambda: image_model(sliced),
        "one place": lambda: series_model(lambda x: x[:, -1]),
        "take": lambda: series_model(lambda x: ops.take(x, 0, axis=1)),
    },
    "separable_convolution": {
        "2d": lambda: image_model(layers.SeparableConv2D(6, 3, depth_multiplier=2, name="separable")),
        "1d": lambda: series_model(layers.SeparableConv1D(6, 3, use_bias=False)),
        "first": lambda: first_model(
            layers.Permute((2, 3, 1)), layers.SeparableConv2D(6, 1), layers.Permute((3, 1, 2))
        ),
    },
    "splitting": {"channels": lambda: image_model(split), "places": lambda: image_model(chunks)},
    "time_distributed": {
        "dense": lambda: films(layers.TimeDistributed(layers.Dense(6), name="each")),
        "activation": lambda: films(layers.TimeDistributed(layers.ReLU())),
        "normalization": lambda: films(layers.TimeDistributed(layers.BatchNormalization())),
        "depthwise": lambda: films(layers.TimeDistributed(layers.DepthwiseConv2D(3, depth_multiplier=2))),
        "flatten": lambda: films(layers.TimeDistributed(layers.Flatten()), layers.TimeDistributed(layers.Dense(5))),
        "reshape": lambda: films(layers.TimeDistributed(layers.Reshape((20, 8))), layers.Dense(5)),
        "recurrent": lambda: films(layers.TimeDistributed(layers.Reshape((20, 8))), layers.TimeDistributed(RNN(6))),
        "first": lambda: films(layers.TimeDistributed(layers.Conv2D(6, 1, **FIRST)), first=True),
        "times": lambda: films(layers.Permute((2, 1, 3, 4)), layers.TimeDistributed(layers.Conv2D(5, 1))),
        "twice": lambda: films(layers.TimeDistributed(layers.TimeDistributed(layers.Dense(5)))),
    },
    "transposed_convolution": {
        "2d": lambda: image_model(layers.Conv2DTranspose(6, 3, strides=2, name="transposed")),
        "1d": lambda: series_model(layers.Conv1DTranspose(6, 3, use_bias=False)),
    },
}

# Cases in which what stays becomes something else, as the groups say in their doubts.
DOUBTFUL = {("group_normalization", "groups"), ("layer_normalization", "layer")}
DOUBTFUL |= {("layer_normalization", "root mean square"), ("channel_gate", "some")}
# Handlers of layers that only a prepared model has; their tests are their own.
PREPARED = {"batch_normalized", "wrapped"}
