import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeRecord, type RecordOfBatch } from '../../../connectors/kafka/kafkajs/encode-record.ts';

/** The library's own, loaded anew: in a process that has sent something, ours stands in its place. */
const encodeByLibrary = ((): typeof encodeRecord => {
  const load = createRequire(import.meta.url);
  const path = load.resolve('kafkajs/src/protocol/recordBatch/record/v0/index.js');
  const inPlace = load.cache[path];
  delete load.cache[path];
  const own = load(path) as typeof encodeRecord;
  if (inPlace) load.cache[path] = inPlace;
  return own;
})();

const BYTES = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);
const ORDINARY: fc.Arbitrary<RecordOfBatch> = fc.record(
  {
    offsetDelta: fc.nat(),
    timestampDelta: fc.maxSafeInteger(),
    key: fc.option(BYTES),
    value: fc.option(BYTES),
    headers: fc.dictionary(fc.string({ maxLength: 90 }), fc.oneof(BYTES, fc.array(BYTES, { maxLength: 3 })), {
      maxKeys: 12,
      noNullPrototype: true,
    }),
  },
  { requiredKeys: [] },
);

test('it is another encoding than the library loads, and in use', async () => {
  const load = createRequire(import.meta.url);
  await import('../../../connectors/kafka/kafkajs/library.ts');
  expect(encodeByLibrary).not.toBe(encodeRecord);
  expect(load('kafkajs/src/protocol/recordBatch/record/v0/index.js')).toBe(encodeRecord);
});

test('a record is the same bytes as the library makes of it', () => {
  fc.assert(
    fc.property(ORDINARY, (record) => {
      const { buf, buffer } = encodeRecord(record);
      expect(buffer.equals(encodeByLibrary(record).buffer)).toBe(true);
      expect(Buffer.isBuffer(buf)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test.each([0, 63, 64, 8_191, 8_192, 1_048_575, 1_048_576, 5_000_000])(
  'with a value of %i bytes',
  (length) => {
    const record = { value: Buffer.alloc(length, 7), headers: { text: 'é'.repeat(Math.min(length, 70)) } };
    expect(encodeRecord(record).buffer.equals(encodeByLibrary(record).buffer)).toBe(true);
  },
);
