import { expect, test } from 'vitest';
import { murmur2 } from '../../../connectors/kafka/partition-of-key.ts';

test('hashes as Kafka does', () => {
  // org.apache.kafka.common.utils.UtilsTest.testMurmur2
  expect(murmur2(Buffer.from('21'))).toBe(-973932308);
  expect(murmur2(Buffer.from('foobar'))).toBe(-790332482);
  expect(murmur2(Buffer.from('a-little-bit-long-string'))).toBe(-985981536);
  expect(murmur2(Buffer.from('a-little-bit-longer-string'))).toBe(-1486304829);
});
