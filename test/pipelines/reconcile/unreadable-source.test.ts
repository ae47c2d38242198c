/** Two sources of which the first cannot be read: the second is compared all the same, and the end says what was not. */
import { expect, test } from 'vitest';
import { reconcileSources } from '../../../pipelines/reconcile/reconcile-sources.ts';
import { model, prepareSettings } from '../index-documents/changes.ts';

test('what cannot be read of one source holds up no other', async () => {
  const { config } = prepareSettings();
  const [tables] = Object.values(config.sources).map((each) => each.tables);
  const asked: string[] = [];
  const uncompared: string[] = [];
  const reports = reconcileSources({
    config: {
      ...config,
      sources: { away: { kind: 'postgres', url: '', tables }, gone: { kind: 'postgres', url: '', tables } },
    },
    // Nobody listens there.
    urlOf: (source: string) => {
      asked.push(source);
      return 'postgres://127.0.0.1:1/nothing';
    },
    index: { status: async () => ({ name: 'index-1', model: model.id }) },
    ...{ model, clock: () => 1, releases: async () => () => undefined, repair: false, pauseMs: 0 },
    onProgress: () => undefined,
    onUncompared: (source: string) => uncompared.push(source),
  } as unknown as Parameters<typeof reconcileSources>[0]);
  await expect(reports.next()).rejects.toMatchObject({
    code: 'source-unavailable',
    message: expect.stringMatching(/^away\/.* was not compared: .*; gone\/.* was not compared: /s),
  });
  expect(asked).toEqual(['away', 'gone']);
  expect(new Set(uncompared)).toEqual(new Set(['away', 'gone']));
});
