// The worker thread of the MiniLM model. Plain JavaScript because a Worker on Node 20 has no loader for TypeScript:
// module hooks given in execArgv are not registered there. It holds the ONNX session and nothing else.
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

// The library reports models and runs to its makers over the network unless this is set before it is loaded; it reads the
// environment of the process, which this thread shares.
process.env.ORT_DISABLE_TELEMETRY = '1';
const { InferenceSession, Tensor } = createRequire(import.meta.url)('onnxruntime-node');

/** @type {{ modelPath: string, dimensions: number }} */
const { modelPath, dimensions } = workerData;

const session = await InferenceSession.create(modelPath, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
});

/**
 * Mean of the last hidden state over a text's own tokens, scaled to length 1.
 * Source: Reimers and Gurevych 2019 (Sentence-BERT), mean pooling.
 * @param {Float32Array} hidden texts × width × dimensions
 * @param {number} text
 * @param {number} width tokens per text with padding
 * @param {number} length tokens of this text
 */
const poolText = (hidden, text, width, length) => {
  const vector = new Float32Array(dimensions);
  for (let token = 0; token < length; token += 1) {
    const offset = (text * width + token) * dimensions;
    for (let axis = 0; axis < dimensions; axis += 1) vector[axis] += hidden[offset + axis];
  }
  let squares = 0;
  for (const component of vector) squares += component * component;
  // The mean's divisor cancels out in the norm.
  const norm = Math.sqrt(squares);
  if (norm > 0) for (let axis = 0; axis < dimensions; axis += 1) vector[axis] /= norm;
  return vector;
};

/** @param {readonly Int32Array[]} batch token ids per text */
const embedBatch = async (batch) => {
  const width = Math.max(...batch.map((ids) => ids.length));
  const shape = [batch.length, width];
  const ids = new BigInt64Array(batch.length * width);
  const mask = new BigInt64Array(batch.length * width);
  for (const [text, tokens] of batch.entries()) {
    for (const [position, id] of tokens.entries()) {
      ids[text * width + position] = BigInt(id);
      mask[text * width + position] = 1n;
    }
  }
  const output = await session.run({
    input_ids: new Tensor('int64', ids, shape),
    attention_mask: new Tensor('int64', mask, shape),
    token_type_ids: new Tensor('int64', new BigInt64Array(ids.length), shape),
  });
  const { data: hidden, dims } = output.last_hidden_state;
  if (dims[2] !== dimensions) throw new Error(`The model has ${dims[2]} dimensions, not ${dimensions}.`);
  return batch.map((tokens, text) => poolText(hidden, text, width, tokens.length));
};

// The first run allocates; pay for it before the first text comes. 101 and 102 are valid in every BERT vocabulary.
await embedBatch([Int32Array.of(101, 102)]);

let last = Promise.resolve();

// Whatever throws here ends the thread as an unhandled rejection; the parent sees it and retries on a new thread.
parentPort.on('message', (batch) => {
  last = last.then(async () => {
    const vectors = await embedBatch(batch);
    parentPort.postMessage(
      vectors,
      vectors.map((vector) => vector.buffer),
    );
  });
});
parentPort.postMessage('ready');
