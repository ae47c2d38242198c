"""The feature hash of connectors/models/embedding/hash-embedding-model.ts, for peers: equal vectors on equal texts.

Held to that by test/bench/hash-embedding.test.ts, and again before each side-by-side run. Words are cut as word-spans.ts cuts
them. The loop over characters is NumPy's over all words of a text at once, so that a peer does not pay for Python's slow one.
"""

import numpy as np
import regex

DIMENSIONS = 384
SEPARATOR = r"\t\n\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
PUNCTUATION = r"\p{P}\u0021-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007e"
CHINESE = r"\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff"
SPAN = regex.compile(
    rf"\[(?:PAD|UNK|CLS|SEP|MASK)\]|[{PUNCTUATION}]|[{CHINESE}]|[^{SEPARATOR}{PUNCTUATION}{CHINESE}]+"
)
OFFSET_BASIS = np.uint32(0x811C9DC5)
PRIME = np.uint32(0x01000193)
SPACE = np.uint32(0x20)


class Words(dict):
    """Every word met so far: its row in `units` (UTF-16 code units, as JavaScript sees a text), `lengths` and `hashes`."""

    def __init__(self) -> None:
        super().__init__()
        self.units = np.zeros((4_096, 16), np.uint32)
        self.lengths = np.zeros(4_096, np.intp)
        self.hashes = np.zeros(4_096, np.uint32)

    def __missing__(self, word: str) -> int:
        units = np.frombuffer(word.encode("utf-16-le", "surrogatepass"), np.uint16)
        row = len(self)
        if row == len(self.lengths):
            self.units = np.concatenate([self.units, np.zeros_like(self.units)])
            self.lengths = np.concatenate([self.lengths, np.zeros_like(self.lengths)])
            self.hashes = np.concatenate([self.hashes, np.zeros_like(self.hashes)])
        if len(units) > self.units.shape[1]:
            self.units = np.pad(self.units, ((0, 0), (0, len(units) - self.units.shape[1])))
        self.units[row, : len(units)] = units
        self.lengths[row] = len(units)
        self.hashes[row] = self.continued(np.array([OFFSET_BASIS]), np.array([row]))[0]
        self[word] = row
        return row

    def continued(self, states: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """FNV-1a from these states on over the words of these rows."""
        lengths = self.lengths[rows]
        for place in range(lengths.max(initial=0)):
            states = np.where(place < lengths, (states ^ self.units[rows, place]) * PRIME, states)
        return states


WORDS = Words()


def embed(text: str) -> np.ndarray:
    """384 float32 of unit length; the zero vector for a text without a word or sign."""
    rows = np.array([WORDS[word.lower()] for word in SPAN.findall(text)], np.intp)
    single = WORDS.hashes[rows]
    pairs = WORDS.continued((single[:-1] ^ SPACE) * PRIME, rows[1:])
    hashes = np.concatenate([single, pairs])
    signs = 1.0 - 2.0 * (hashes & np.uint32(1))
    sums = np.bincount((hashes >> np.uint32(1)) % DIMENSIONS, weights=signs, minlength=DIMENSIONS)
    return (sums / (np.sqrt(sums @ sums) or 1.0)).astype(np.float32)
