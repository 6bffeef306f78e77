"""Data sets that are known by name: where they are published, their sizes and their SHA-256.

The addresses, sizes and checksums are those that TensorFlow Datasets publishes
(https://github.com/tensorflow/datasets/tree/master/tensorflow_datasets/url_checksums).
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class KnownFile:
    """One file of a data set.

    Attributes:
        url: where it is published.
        bytes: its size.
        sha256: of the file, in hexadecimal.
    """

    url: str
    bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class KnownData:
    """One data set.

    Attributes:
        folder: in the folder of data, where recipes look for it.
        files: all of it.
        unpack: whether the one file is an archive; otherwise the files are kept as they are.
    """

    folder: str
    files: tuple[KnownFile, ...]
    unpack: bool = True


_MNIST = "https://storage.googleapis.com/cvdf-datasets/mnist"
_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
_CIFAR = "https://www.cs.toronto.edu/~kriz"
_FLOWERS = "https://storage.googleapis.com/download.tensorflow.org/example_images"

KNOWN = {
    "mnist": KnownData(
        "mnist",
        (
            KnownFile(
                f"{_MNIST}/train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            KnownFile(
                f"{_MNIST}/train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            KnownFile(
                f"{_MNIST}/t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            KnownFile(
                f"{_MNIST}/t10k-labels-idx1-ubyte.gz",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        unpack=False,
    ),
    "fashion_mnist": KnownData(
        "fashion_mnist",
        (
            KnownFile(
                f"{_FASHION}/train-images-idx3-ubyte.gz",
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            KnownFile(
                f"{_FASHION}/train-labels-idx1-ubyte.gz",
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            KnownFile(
                f"{_FASHION}/t10k-images-idx3-ubyte.gz",
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            KnownFile(
                f"{_FASHION}/t10k-labels-idx1-ubyte.gz",
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
        unpack=False,
    ),
    "cifar10": KnownData(
        "cifar10",
        (
            KnownFile(
                f"{_CIFAR}/cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
    ),
    "cifar100": KnownData(
        "cifar100",
        (
            KnownFile(
                f"{_CIFAR}/cifar-100-binary.tar.gz",
                168_513_733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            ),
        ),
    ),
    "flowers": KnownData(
        "flower_photos",
        (
            KnownFile(
                f"{_FLOWERS}/flower_photos.tgz",
                228_813_984,
                "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
            ),
        ),
    ),
}
