"""The end that all classifiers share: dropout and a dense layer called `logits` that computes in float32."""

import keras

LOGITS = "logits"


def classify(
    features: keras.KerasTensor,
    num_classes: int,
    *,
    dropout: float = 0.0,
    kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
) -> keras.KerasTensor:
    """Returns W^T features + b, one number per class, before any softmax.

    The layer is called `logits` in every network, so that it can be trained alone or left out of a restore by
    that name. It computes in float32 under mixed precision too: bfloat16 has 8 significant bits, and a
    softmax over logits near 10 would see them in steps of 1/16.

    Args:
        features: (b, d).
        num_classes: width of the output.
        dropout: share of features dropped in training, from 0 to below 1; at 0 there is no dropout layer.
        kernel_initializer: of W; b begins at zero.

    Returns:
        Logits (b, num_classes), float32.
    """
    if dropout:
        features = keras.layers.Dropout(dropout, name=f"{LOGITS}_dropout")(features)
    head = keras.layers.Dense(num_classes, kernel_initializer=kernel_initializer, dtype="float32", name=LOGITS)
    return head(features)
