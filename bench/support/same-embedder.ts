import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';

const SCRIPT = fileURLToPath(new URL('../peers/embed_texts.py', import.meta.url));
const LARGEST_OUTPUT = 64 * 1024 * 1024;

/** The texts whose vector is another in the peers' Python than here, be it by one bit. `python` has NumPy and regex. */
export const differentlyEmbedded = async (
  python: string,
  texts: readonly string[],
): Promise<readonly string[]> => {
  const model = createHashEmbeddingModel();
  const theirs = execFileSync(python, ['-B', SCRIPT], {
    input: JSON.stringify(texts),
    maxBuffer: LARGEST_OUTPUT,
  });
  const ours = await model.embed(texts);
  const bytes = model.dimensions * Float32Array.BYTES_PER_ELEMENT;
  return texts.filter((_, at) => {
    const vector = ours[at] ?? new Float32Array();
    // -0 and 0 are the same number; their bytes are not.
    const their = theirs.subarray(at * bytes, (at + 1) * bytes);
    return vector.some((component, axis) => component !== their.readFloatLE(axis * 4));
  });
};
