"""Texts (a JSON list on stdin) → their vectors, float32 of the machine's byte order, one after the other on stdout."""

import json
import sys

from hash_embedding import embed

for text in json.load(sys.stdin):
    sys.stdout.buffer.write(embed(text).tobytes())
