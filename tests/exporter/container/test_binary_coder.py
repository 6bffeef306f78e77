"""Tests of the adaptive binary coder, against its bytes by hand and a decoder written from the format's page."""

import math

import numpy as np
import pytest

from source.exporter.container.binary_coder import RATES, Context, Decoder, Encoder


def bits_by_the_page(data, count):
    """Decodes bits of one context as the page of the format tells, on numbers of any size instead of bytes."""
    low, high = 0, 2**32 - 1
    one, seen, at = 2**27, 0, 4
    number = int.from_bytes((data + bytes(4))[:4], "big")
    found = []
    for _ in range(count):
        p = min(max(one // 4096, 8), 65536 - 8)
        cut = low + (high - low) // 65536 * p
        bit = int(number <= cut)
        low, high = (low, cut) if bit else (cut + 1, high)
        one += math.floor((2**28 * bit - one) * (2**25 // (2 * seen + 3)) / 2**24)
        seen = min(seen + 1, 16382)
        while low // 2**24 == high // 2**24:
            low, high = low % 2**24 * 256, high % 2**24 * 256 + 255
            number = number % 2**24 * 256 + (data[at] if at < len(data) else 0)
            at += 1
        found.append(bit)
    return found


def written(bits):
    coder, context = Encoder(), Context()
    for bit in bits:
        coder.code(context, bit)
    return coder.finish()


@pytest.mark.parametrize(
    ("bits", "data"),
    [
        ([], ""),
        # One is the lower half, [0, 0x7fff0000 + ...]: the number 0, whose bytes need not be written.
        ([1], ""),
        # Zero is the upper half, from 0x7fff8001 on: 0x80 is in it.
        ([0], "80"),
        # The lower half, of which a third of the zeros is left: from 0x6aa9... on.
        ([1, 0], "6b"),
    ],
)
def test_few_bits_by_hand(bits, data):
    assert written(bits).hex() == data


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 1.0])
def test_a_second_decoder_reads_the_same_bits(share):
    bits = (np.random.default_rng(1).random(3000) < share).astype(int).tolist()
    data = written(bits)
    decoder, context = Decoder(data), Context()
    assert [decoder.code(context, 0) for _ in bits] == bits == bits_by_the_page(data, len(bits))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5])
def test_it_is_near_the_entropy(share):
    bits = (np.random.default_rng(2).random(20000) < share).astype(int)
    p = bits.mean()
    entropy = -20000 * (p * np.log2(p) + (1 - p) * np.log2(1 - p)) / 8
    # Learning costs about half a bit for each doubling of the count, and no more here.
    assert entropy < len(written(bits.tolist())) < entropy * 1.01 + 6


def test_any_bytes_are_some_bits():
    decoder, context = Decoder(b"\xff\x00\x13"), Context()
    assert {decoder.code(context, 0) for _ in range(200)} <= {0, 1}


def test_a_context_learns_less_and_less():
    context = Context()
    assert RATES[0] == 11184810 and RATES[-1] == 1024  # 2^24 / 1.5 and 2^24 / 2^14
    context.learn(1)
    assert (context.one, context.seen) == (2**27 + (2**27 * 11184810 >> 24), 1)
    for _ in range(20000):
        context.learn(1)
    assert context.seen == 16382 and 2**28 - 2**15 < context.one < 2**28
