"""What users get wrong: each mistake is one line on stderr that says where and offers what is nearest, and code 2."""

import pytest

from demo.image.image_classification import APPLICATION
from source.command.mistakes import report_mistakes
from tests.demo.pictures import CLASSES, SIDE, write_pictures

SMALL = (
    "--network=tests.demo.tiny_network",
    "--augmenter=normalize",
    f"--image_height={SIDE}",
    f"--image_width={SIDE}",
    f"--num_classes={CLASSES}",
    "--batch_size_per_gpu=8",
    "--epochs=1",
)
# Flags beside those above -> the line, with {data} for the folder of the pictures.
NAMES = {
    "--inputter=image_clasification_csv_inputter": "inputter `image_clasification_csv_inputter`: no plugin has this "
    "name. Did you mean `image_classification_csv_inputter`",
    "--augmenter=cifar_augmentr": "augmenter `cifar_augmentr`: no plugin has this name. Did you mean `cifar_augmenter`",
    "--batch_augmenter=mixpu": "augmenter `mixpu`: no plugin has this name. Did you mean `mixup`",
    "--network=lenet": "network `lenet`: no plugin has this name. Did you mean `lenet5`",
    "--network=tests.demo.tiny_netwrk": "network `tests.demo.tiny_netwrk`: no such module can be imported.",
    "--network=": "network ``: no plugin has this name. Known: cifarnet",
    "--modeler=image_classification_modeller": "modeler `image_classification_modeller`: no plugin has this name. "
    "Did you mean `image_classification_modeler`?",
    "--callbacks=train_basic,train_los": "callback `train_los`: no plugin has this name. Did you mean `train_loss`",
    "--callbacks=train_basic,json.decoder": "callback `json.decoder`: the module json.decoder has no `build`",
    "--callbacks=": "--callbacks: needs a value, such as --callbacks=train_basic,",
    "--runner=single_device_runer": "runner `single_device_runer`: no plugin has this name. "
    "Did you mean `single_device_runner`?",
    "--exporters=saved_modle": "exporter `saved_modle`: no plugin has this name. Did you mean `saved_model`?",
    "--optimizer=momentun": "optimizer: there is no optimizer `momentun`. Did you mean `momentum`?",
    "--optimizer=": "optimizer: there is no optimizer ``. Known: adadelta",
    "--callbacks=train_basic,keras_callback --target=CSVLoger": "keras_callback.target `CSVLoger`: Keras has no such "
    "callback. Did you mean `CSVLogger`?",
    "--network=keras_application --network_options.application=MobileNetV22 --image_height=32 --image_width=32": (
        "application: `keras.applications` has no `MobileNetV22`. Did you mean `MobileNetV2`"
    ),
    "--trainable_vars=logts": "trainable_vars: no weight that can be trained has `logts` in its path. "
    "Did you mean `logits`?",
}
MODES = {
    "--mode=trian": "--mode: unknown mode `trian`. Did you mean `train`?",
    "--mode=tune tune_args --tune_config=coarse.yaml": "--mode: there is no mode tune here.",
    "eval_args": "--mode: the mode cannot be both train and evaluate. Received: --mode=train eval_args.",
    "train_arg --epochs=1": "expected a flag such as --mode=train. Received: `train_arg`.",
    "-epochs=1": "expected a flag such as --mode=train. Received: `-epochs=1`. Did you mean `--epochs=1`?",
}
SETTINGS = {
    "--learning_rat=0.1": "learning_rat: no part of this application has this setting. Did you mean `learning_rate`",
    "--network_options.filtres=4": "network_options.filtres: unknown setting. Did you mean `filters`?",
    "--network_options.filters=many": "network_options.filters: expected a whole number. Received: 'many'.",
    "--network_options=4": "network_options: expected a mapping. Received: '4'.",
    "--augmenter=cifar_augmenter --augmenter_options.padd=2": "augmenter_options.padd: unknown setting. "
    "Did you mean `pad`?",
    "--augmenter=cifar_augmenter --augmenter_options.pad=-2": "augmenter_options: `pad` must be at least 0.",
    "--augmenter=mixup": "augmenter: `mixup` has no `augment`. Is it meant to be the `batch_augmenter`?",
    "--batch_augmenter=normalize": "batch_augmenter: `normalize` has no `augment_batch_labels`. "
    "Is it meant to be the `augmenter`?",
    "--optimizer_options.nestrov=true": "optimizer_options.nestrov: momentum has no such argument. "
    "Did you mean `nesterov`?",
    "--optimizer_options.nesterov=perhaps": "optimizer_options.nesterov: expected true or false. Received: 'perhaps'.",
    "--optimizer_options.momentum=3": "optimizer_options: momentum refuses {'momentum': 3}:",
    "--exporter_options.saved_model.overwrit=true": "exporter_options.saved_model.overwrit: unknown setting. "
    "Did you mean `overwrite`?",
    "--epochs=many": "epochs: expected a number. Received: 'many'.",
    "--epochs=": "epochs: expected a number. Received: ''.",
    "--epochs": "epochs: needs a value of type float.",
    "--epochs=-1": "`epochs` must be positive. Received: epochs=-1.0.",
    "--batch_size_per_gpu=1.5": "batch_size_per_gpu: expected a whole number. Received: '1.5'.",
    "--batch_size_per_gpu=1000": "There are fewer examples than one batch: 24 examples x 1 epochs make no step",
    "--deterministic=perhaps": "deterministic: expected true or false. Received: 'perhaps'.",
    "--lr_method=cosin": "lr_method: expected 'step', 'constant', 'linear', 'cosine' or 'exponential'. "
    "Received: 'cosin'. Did you mean `cosine`?",
    "--piecewise_boundaries=1,x": "piecewise_boundaries.1: expected a number. Received: 'x'.",
    "--piecewise_boundaries=1,2": "`piecewise_lr_decay` must be one longer than piecewise_boundaries=(1.0, 2.0).",
    "--export_version=../checkpoints": "`export_version` must be the name of one folder.",
    "--gpu_count=2": "gpu_count: single_device_runner uses one device. Received: gpu_count=2.",
    "--model_dir=": "train_summary: writes below the folder of the run, and there is none. Set `model_dir`.",
}
DATA = {
    "--dataset_meta=": "There is nothing to train on: give `train_dataset_meta` or `dataset_meta`.",
    "--dataset_meta={data}/trian.csv": "{data}/trian.csv: the file cannot be read (No such file or directory).",
    "--dataset_meta={data}": "{data}: the file cannot be read (Is a directory).",
    "--dataset_meta={data}/0_0.png": "{data}/0_0.png: expected text in UTF-8.",
    "--num_classes=2": "{data}/train.csv, row 3: label 2 is out of range: expected 0 to 1 (num_classes=2).",
    "--label_column=4": "{data}/train.csv, row 1: expected 5 columns. Received: 2",
    "--model_dir={data}/train.csv": "model_dir: {data}/train.csv cannot be written: File exists.",
    "--pretrained_model={data}/none.npz": "pretrained_model: there is no file {data}/none.npz.",
    "--pretrained_model={data}/0_0.png": "pretrained_model: expected a file that ends in .npz, .keras or .h5.",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    write_pictures(folder)
    return folder


@pytest.mark.parametrize(("flags", "line"), [*NAMES.items(), *MODES.items(), *SETTINGS.items(), *DATA.items()])
def test_a_mistake_is_one_line_and_code_2(flags, line, data, tmp_path, capsys):
    arguments = ["--mode=train", *SMALL, f"--dataset_meta={data}/train.csv", f"--model_dir={tmp_path}/run"]
    arguments += flags.replace("{data}", str(data)).split()
    assert report_mistakes("demo", lambda: APPLICATION.run(arguments)) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("demo: " + line.replace("{data}", str(data)))
    assert printed.count("\n") == 1 and printed.endswith("\n")


@pytest.mark.parametrize("mode", ["eval", "infer", "export"])
def test_a_model_that_was_never_trained_is_missed(mode, data, tmp_path, capsys):
    arguments = [*SMALL, f"--mode={mode}", f"--dataset_meta={data}/train.csv", f"--model_dir={tmp_path}/none"]
    assert report_mistakes("demo", lambda: APPLICATION.run(arguments)) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("demo: There is no checkpoint to ") and printed.count("\n") == 1
    assert f"{tmp_path}/none/checkpoints holds none" in printed
