import { expect, test } from 'vitest';
import { readMemory } from '../../../pipelines/index-documents/read-memory.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { MEMORY_TABLE, memoryVersion } from '../../../schemas/memory-source.ts';
import type { Memory } from '../../../schemas/records.ts';
import { memory } from '../../agents/memory/turns.ts';

const read = (value: Memory | Error | null, key: string | null = 'behaviour-1') =>
  readMemory(
    {
      // As the registry's codec does it, without a registry.
      decode: async () => {
        if (value instanceof Error) throw value;
        return value as never;
      },
    },
    {
      ...{ topic: 'cdc.memory', partition: 0, offset: 0, timestamp: 7, headers: {} },
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from('{'),
    },
  );

test('a memory is a row of its source, under its own time', async () => {
  expect(await read(memory(1, { at: 5 }))).toMatchObject({
    kind: 'change',
    change: {
      ...{ kind: 'upsert', table: MEMORY_TABLE, key: { id: 'behaviour-1' }, committedAt: 5 },
      version: memoryVersion({ state: 'kept', at: 5 }),
      row: { tenant: 'acme', agent: 'support', text: 'Done: 1', origin: 'tool' },
    },
  });
});

test('its end is a delete: pruned by its time, forgotten above all, and by the tombstone alone for who was away', async () => {
  const versionOf = async (value: Memory | null) => {
    const change = await read(value);
    if (change.kind !== 'change' || change.change.kind !== 'delete') throw new Error(change.kind);
    return change.change.version;
  };
  expect(await versionOf(memory(1, { state: 'pruned', at: 9 }))).toBe(
    memoryVersion({ state: 'pruned', at: 9 }),
  );
  const forgotten = await versionOf(memory(1, { state: 'forgotten', at: 1 }));
  const tombstone = await versionOf(null);
  expect(tombstone).toBe(memoryVersion({ state: 'pruned', at: 7_000 }));
  expect(tombstone > memoryVersion({ state: 'kept', at: 6_999 })).toBe(true);
  expect(forgotten > tombstone).toBe(true);
});

test('a cut is no memory, and what cannot be read goes to the dead letters', async () => {
  expect(await read(memory(1, { kind: 'cut' }))).toEqual({ kind: 'dropped' });
  expect(await read(null, 'cut-1')).toEqual({ kind: 'dropped' });
  expect(await read(null, null)).toEqual({ kind: 'dropped' });
  expect(await read(new FreshetError('record-unreadable', 'no'))).toMatchObject({
    kind: 'unreadable',
    reason: 'not-json',
  });
  await expect(read(new FreshetError('registry-unavailable', 'no'))).rejects.toMatchObject({
    code: 'registry-unavailable',
  });
});
