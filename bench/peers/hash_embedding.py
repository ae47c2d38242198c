"""The feature hash of connectors/models/embedding/hash-embedding-model.ts, for peers: equal vectors on equal texts.

Held to that by test/bench/hash-embedding.server.test.ts. Words are cut as word-spans.ts cuts them. The hash of a word is
kept, so that a peer pays for Python's slow loop over characters once a word and not once a text.
"""

import math
from functools import lru_cache

import numpy as np
import regex

DIMENSIONS = 384
SEPARATOR = r"\t\n\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
PUNCTUATION = r"\p{P}\u0021-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007e"
CHINESE = r"\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff"
SPAN = regex.compile(
    rf"\[(?:PAD|UNK|CLS|SEP|MASK)\]|[{PUNCTUATION}]|[{CHINESE}]|[^{SEPARATOR}{PUNCTUATION}{CHINESE}]+"
)
OFFSET_BASIS = 0x811C9DC5
PRIME = 0x01000193


def fnv1a(state: int, text: str) -> int:
    """FNV-1a over UTF-16 code units, as JavaScript sees a text."""
    units = text.encode("utf-16-le", "surrogatepass")
    for place in range(0, len(units), 2):
        state = ((state ^ (units[place] | units[place + 1] << 8)) * PRIME) & 0xFFFFFFFF
    return state


@lru_cache(maxsize=200_000)
def word_hash(word: str) -> int:
    return fnv1a(OFFSET_BASIS, word)


@lru_cache(maxsize=1_000_000)
def pair_hash(previous: str, word: str) -> int:
    return fnv1a(fnv1a(word_hash(previous), " "), word)


def embed(text: str) -> np.ndarray:
    """384 float32 of unit length; the zero vector for a text without a word or sign."""
    sums = [0.0] * DIMENSIONS
    previous = ""
    for word in SPAN.findall(text):
        feature = word.lower()
        hashes = (word_hash(feature), pair_hash(previous, feature)) if previous else (word_hash(feature),)
        for each in hashes:
            sums[(each >> 1) % DIMENSIONS] += 1.0 if each & 1 == 0 else -1.0
        previous = feature
    norm = math.sqrt(sum(component * component for component in sums))
    return (np.array(sums) / (norm or 1.0)).astype(np.float32)
