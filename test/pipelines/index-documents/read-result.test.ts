import { expect, test } from 'vitest';
import { readResult } from '../../../pipelines/index-documents/read-result.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import type { Result } from '../../../schemas/records.ts';
import { resultVersion } from '../../../schemas/result-source.ts';

const result: Result = {
  ...{ taskId: 't-1', executionId: 'e-1', agent: 'digest', behaviour: '1', tenant: null, sessionId: null },
  ...{ outcome: 'completed', output: null, error: null, partial: null, receipt: '{}', costUsd: '0' },
  ...{ steps: 1, createdAt: 1, startedAt: 2, completedAt: 3 },
};
const read = (value: Result | Error | null) =>
  readResult(
    {
      // As the registry's codec does it, without a registry.
      decode: async () => {
        if (value instanceof Error) throw value;
        return value as never;
      },
    },
    {
      ...{ topic: 'freshet.results', partition: 0, offset: 0, timestamp: 7, headers: {} },
      ...{ key: Buffer.from('t-1'), value: value === null ? null : Buffer.from('{') },
    },
    'home',
  );

test('a completed result is a row of its agent, under the time it was completed', async () => {
  expect(await read(result)).toMatchObject({
    kind: 'change',
    change: {
      ...{ kind: 'upsert', table: 'results.digest', key: { id: 't-1' }, committedAt: 3 },
      version: resultVersion(3),
      row: { tenant: 'home', output: 'null' },
    },
  });
});

test('what failed or was halted, and a key without a value, change nothing; what cannot be read goes to the dead letters', async () => {
  for (const value of [{ ...result, outcome: 'failed' }, { ...result, outcome: 'halted' }, null] as const)
    expect(await read(value)).toEqual({ kind: 'dropped' });
  expect(await read(new FreshetError('record-unreadable', 'no'))).toMatchObject({
    kind: 'unreadable',
    reason: 'not-json',
  });
  await expect(read(new FreshetError('registry-unavailable', 'no'))).rejects.toMatchObject({
    code: 'registry-unavailable',
  });
});
