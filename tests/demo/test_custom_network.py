import keras
import pytest

from espalier import EspalierError, resolve


def test_it_trains_a_network_found_by_its_dotted_path(load_demo, tmp_path, capsys):
    assert load_demo("custom_network.py").main(tmp_path, epochs=8) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    name, parameters, right = last.partition(": ")[0], *last.partition(": ")[2].split(" parameters, ")
    assert (name, parameters) == ("tiny_net", "8,083")
    assert float(right.partition("%")[0]) > 80  # guessing gives 10 %


def test_its_width_is_an_option(load_demo):
    tiny_net = resolve("network", "my_lab.tiny_net")
    model = tiny_net.build(tiny_net.Config(width=4, num_classes=3), keras.Input((16, 16, 1)))
    assert model.output_shape == (None, 3)
    assert model.get_layer("block3_conv").filters == 16


def test_an_impossible_width_is_refused(load_demo):
    with pytest.raises(EspalierError, match=r"`width` must be at least 1\. Received: width=0\."):
        resolve("network", "my_lab.tiny_net").Config(width=0)
