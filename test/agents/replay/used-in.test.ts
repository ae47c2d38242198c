import { expect, test } from 'vitest';
import { createUseSearch } from '../../../agents/replay/used-in.ts';
import { recordExecution } from './recorded-executions.ts';

const LOOKED = {
  turns: [
    { kind: 'tools', names: ['look'] },
    { kind: 'text', text: 'Thirty days [1].' },
  ],
  deaths: [],
} as const;

test('an execution had a document from the retrieval on: every decision after it is named, and whether the answer cites it', async () => {
  const events = await recordExecution('task-a', LOOKED);
  const retrieved = events.find((event) => event.name === 'retrieve');
  const { hits } = JSON.parse(retrieved?.output ?? '{}') as {
    hits: readonly { documentId: string; version: string; ageMs: number }[];
  };
  const [best, second] = hits;
  for (const [hit, cited] of [
    [best, true],
    [second, false],
  ] as const) {
    const search = createUseSearch(hit?.documentId ?? '');
    const told = events.flatMap((event, offset) => [...search.offer(3, offset, event)]);
    expect(search.rest()).toEqual([]);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      taskId: 'task-a',
      brought: [{ via: 'retrieve', version: hit?.version, ageMs: hit?.ageMs }],
      cited,
      ended: true,
      partition: 3,
    });
    expect(told[0]?.decisions.map(({ kind }) => kind)).toEqual(['model', 'tool', 'model', 'answer']);
    for (const decision of told[0]?.decisions ?? []) expect(decision.offset).toBeGreaterThan(0);
  }
  const other = createUseSearch('help/public.articles/99');
  expect(events.flatMap((event, offset) => [...other.offer(3, offset, event)])).toEqual([]);
});

test('an id that is the beginning of another is not taken for it; a record is looked into only where it may matter', async () => {
  const events = await recordExecution('task-a', LOOKED);
  const search = createUseSearch('help/public.articles/');
  expect(events.flatMap((event, offset) => [...search.offer(0, offset, event)])).toEqual([]);
  const found = createUseSearch('help/public.articles/1');
  expect(found.concerns('task-a', Buffer.from('nothing of it'))).toBe(false);
  expect(found.concerns('task-b', Buffer.from('{"documentId":"help/public.articles/1"}'))).toBe(true);
  const retrieve = events.findIndex((event) => event.name === 'retrieve');
  for (const [offset, event] of events.slice(0, retrieve + 1).entries()) found.offer(0, offset, event);
  expect(found.concerns('task-a', Buffer.from('nothing of it'))).toBe(true);
  expect(found.rest()).toMatchObject([{ ended: false }]);
});

test('a memory that was recalled counts as brought by it', async () => {
  const [begun, ...rest] = await recordExecution('task-a', LOOKED);
  if (!begun) throw new Error('no event');
  const recalled = {
    ...begun,
    type: 'memory-update' as const,
    name: 'recall',
    step: 1,
    output: JSON.stringify({
      turns: [],
      memories: [{ memoryId: 'memory/support/7', text: 'Likes tea.', at: begun.at - 5_000 }],
    }),
  };
  const search = createUseSearch('memory/support/7');
  const told = [begun, recalled, ...rest].flatMap((event, offset) => [...search.offer(0, offset, event)]);
  expect(told).toMatchObject([{ brought: [{ via: 'memory', ageMs: 5 }], cited: false }]);
});
