import numpy as np
import pytest

from source.config.errors import ConfigError, DataError
from source.numeric import number_format


@pytest.fixture(scope="module")
def plot_format(load_demo):
    return load_demo("plot_format.py")


def test_the_same_format_gives_the_same_picture(plot_format, tmp_path, capsys):
    pictures = [tmp_path / "new" / "a.svg", tmp_path / "new" / "b.svg"]
    for picture in pictures:
        assert plot_format.main(["fp4_e2m1", str(picture)]) == 0
    assert capsys.readouterr().out == "".join(f"Wrote {picture}.\n" for picture in pictures)
    first, second = (picture.read_text() for picture in pictures)
    assert first == second
    assert "<dc:description>FP[1|2|1,1](_N) " in first
    assert "<dc:date>" not in first


def test_a_png_is_written_too(plot_format, tmp_path):
    plot_format.main(["int4<channel>", str(tmp_path / "a.png"), "--low=-2", "--high=2"])
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_steps_are_drawn_by_their_ends(plot_format):
    grid = plot_format.make_grid(number_format("fixed<2,2>"))
    assert grid.numbers.tolist() == [-2, -1, 0, 1]
    assert np.unique(grid.rounded).tolist() == [-2, -1, 0, 1]
    assert grid.x.size == 8  # two ends for each number
    step = (grid.x[-1] - grid.x[0]) / (plot_format.SAMPLES - 1)
    np.testing.assert_allclose(grid.x[1:-1], [-1.5, -1.5, -0.5, -0.5, 0.5, 0.5], atol=step)  # of the samples
    np.testing.assert_allclose(grid.x[[0, -1]], [-2.3, 1.3], rtol=1e-6)  # a tenth of the range beyond; float32


@pytest.mark.parametrize(
    "name", ["int4", "int4<channel>", "int4<32>", "BFP[4|8]{16}(SN)", "SBFP12_16", "mxfp4", "mxint4", "nvfp4", "nf4"]
)
def test_formats_with_scales_are_drawn_at_scale_one(plot_format, name):
    chosen = number_format(name)
    grid = plot_format.make_grid(chosen)
    assert np.array_equal(np.unique(grid.rounded), chosen.values())


def test_means_are_taken_of_what_is_drawn(plot_format):
    for group in ("", "<channel>"):
        assert plot_format.make_grid(number_format(f"binary{group}")).numbers.tolist() == [-1, 1]
        ternary = plot_format.make_grid(number_format(f"ternary{group}")).numbers.tolist()
        assert ternary == pytest.approx([-1.35, 0, 1.35], rel=1e-4)  # means of 2^14 samples


def test_affine_integers_are_drawn_with_a_zero_point(plot_format):
    assert plot_format.make_grid(number_format("uint2")).numbers.tolist() == [-1, 0, 1, 2]


def test_stochastic_rounding_is_drawn_with_a_seed(plot_format):
    grids = [plot_format.make_grid(number_format("int4(S)")) for _ in range(2)]
    assert np.array_equal(grids[0].rounded, grids[1].rounded)


def test_of_many_numbers_those_around_zero_are_drawn(plot_format):
    grid = plot_format.make_grid(number_format("XP[8,0](CSN)"))
    assert grid.numbers.size == 255
    assert (grid.rounded.min(), grid.rounded.max()) == (-14, 14)  # twelve steps and a tenth of the range


@pytest.mark.parametrize(
    ("magnitudes", "marked"),
    [([0.5, 6], [0.5, 1, 2, 4]), ([0.3, 0.4], []), ([2.0**-16, 57344], 2.0 ** np.arange(-16, 13, 4))],
)
def test_powers_of_two_are_marked(plot_format, magnitudes, marked):
    assert plot_format.powers_within(np.float32(magnitudes)).tolist() == list(marked)


def test_a_format_of_too_many_numbers_is_refused(plot_format, tmp_path):
    with pytest.raises(DataError, match=r"at most 512 numbers\. `fp16_e5m10` has codes of 16 bits\."):
        plot_format.main(["float16", str(tmp_path / "a.svg")])


def test_a_range_that_is_none_is_refused(plot_format, tmp_path):
    with pytest.raises(ConfigError, match=r"`--low` must be below `--high`\. Received: 2 and 1\."):
        plot_format.main(["int4", str(tmp_path / "a.svg"), "--low", "2", "--high", "1"])
