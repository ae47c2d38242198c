import { expect, test } from 'vitest';
import { describeStatus } from '../../cli/commands/index-command.ts';

const STATUS = {
  ...{
    name: 'index-1',
    engine: 'zvec',
    model: 'm',
    current: true,
    waiting: 0,
    trouble: null,
    keywords: null,
  },
  ...{ documents: 3, markers: 0, rows: 12_000, positions: {} },
};

test('index status says how many rows wait to be built into the graph, and why they do', () => {
  const said = (build: { recent: number; running: boolean; failure: string | null }) =>
    describeStatus({ ...STATUS, build });
  expect(said({ recent: 9_000, running: false, failure: null })).toMatch(/9000 rows are not built .* yet$/m);
  expect(said({ recent: 9_000, running: true, failure: null })).toContain('yet, a build runs');
  expect(said({ recent: 9_000, running: false, failure: 'no room' })).toContain('yet, FAILED: no room');
});
