"""A SavedModel with the endpoints of ours that tells dark pictures from bright ones, without weights."""

import json

import tensorflow as tf

from source.exporter.artefact.saved_model_folder import CLASSES_FILE

NAMES = ("dark", "bright")


class Brightness(tf.Module):
    """Probability of "bright": the mean of a picture as a share of 255."""

    def answer(self, bright):
        probabilities = tf.stack([1 - bright, bright], 1)
        classes = tf.argmax(probabilities, -1)
        return {
            "output_classes": classes,
            "output_labels": tf.gather(tf.constant(NAMES), classes),
            "output_probabilities": probabilities,
        }

    @tf.function(input_signature=[tf.TensorSpec((None, 2, 2, 3), tf.float32, name="input_image")])
    def predict(self, input_image):
        return self.answer(tf.reduce_mean(input_image, [1, 2, 3]) / 255)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="input_bytes")])
    def predict_bytes(self, input_bytes):
        mean = tf.map_fn(
            lambda item: tf.reduce_mean(tf.cast(tf.io.decode_image(item, expand_animations=False), tf.float32)),
            input_bytes,
            fn_output_signature=tf.float32,
        )
        return self.answer(mean / 255)


def save(folder, takes_pictures=True):
    """Writes the SavedModel and returns its folder."""
    module = Brightness()
    pictures = {"predict_bytes": module.predict_bytes} if takes_pictures else {}
    tf.saved_model.save(module, str(folder), {"serving_default": module.predict, **pictures})
    (folder / CLASSES_FILE).parent.mkdir()
    (folder / CLASSES_FILE).write_text(json.dumps(NAMES))
    return folder
