/** Run by crash.test.ts: writes and removes rows and prints what was acknowledged, until it is killed. */
import { writeSync } from 'node:fs';
import { openZvecVectorIndex } from '../../../connectors/vector-index/zvec-vector-index.ts';
import { DIMENSIONS, OFTEN_BUILT, OLD, placeOf, rowsOf } from './vector-rows.ts';

const [, , folder = '', from = '0'] = process.argv;
const index = await openZvecVectorIndex({ folder, dimensions: DIMENSIONS, ...OFTEN_BUILT });

for (let start = Number(from); ; start += 10) {
  await index.upsert(rowsOf(10, 'acme', start));
  writeSync(1, `upserted ${start}\n`);
  await index.remove([placeOf(start + 3)]);
  writeSync(1, `removed ${start + 3}\n`);
  if (start >= OLD) {
    await index.remove([placeOf(start - OLD)]);
    writeSync(1, `removed ${start - OLD}\n`);
  }
  // A busy writer, but no busier than a pipeline is.
  await new Promise((resolve) => setTimeout(resolve, 1));
}
