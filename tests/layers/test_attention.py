"""Attention against its definition, one head and one photo at a time."""

import math

import torch

from posegan.layers.attention import Attention


def test_attention_is_a_softmax_over_all_source_positions():
    attention = Attention(6, 8, heads=2)
    target, source = torch.randn(2, 6, 3, 4), torch.randn(2, 8, 3, 4)
    query, key, value = attention.query(target), attention.key(source), attention.value(source)
    expected = torch.empty(2, 8, 3, 4)
    for b in range(2):
        for head in range(2):
            q, k, v = (x[b, 4 * head : 4 * head + 4].flatten(1).T for x in (query, key, value))  # (12, 4)
            weights = (q @ k.T / math.sqrt(4)).softmax(-1)
            expected[b, 4 * head : 4 * head + 4] = (weights @ v).T.reshape(4, 3, 4)
    torch.testing.assert_close(attention(target, source), expected)
