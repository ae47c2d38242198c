// A real worker thread that answers like the model's, one batch after the other (vector = [first token id, number of texts]) and misbehaves on
// command: token id 1 exits, 2 throws, 3 hangs, 4 exits once (until the flag in workerData is set).
import { parentPort, workerData } from 'node:worker_threads';

if (workerData.failStart) throw new Error('no model here');
const flag = new Int32Array(workerData.shared);

const answer = async (batch) => {
  const ids = batch.map((tokens) => tokens[0]);
  Atomics.add(flag, 1, 1);
  if (ids.includes(1)) process.exit(3);
  if (ids.includes(2)) throw new Error('bad batch');
  if (ids.includes(3)) return new Promise(() => undefined);
  if (ids.includes(4) && Atomics.exchange(flag, 0, 1) === 0) process.exit(4);
  await new Promise((resolve) => setTimeout(resolve, workerData.delayMs));
  parentPort.postMessage(ids.map((id) => Float32Array.of(id, batch.length)));
};

let last = Promise.resolve();
parentPort.on('message', (batch) => {
  last = last.then(() => answer(batch));
});
parentPort.postMessage('ready');
