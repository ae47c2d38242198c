/** The sentence at the top of the page: all is well only where everything was heard and is known. */
import { expect, test } from 'vitest';

interface Overview {
  readonly verdict: { readonly tone: string; readonly text: string };
  readonly figures: readonly {
    readonly name: string;
    readonly value: string;
    readonly note: string;
    readonly tone: string;
  }[];
}

const { overviewOf } = (await import(
  new URL('../../../gateway/dashboard/overview-figures.js', import.meta.url).href
)) as { readonly overviewOf: (heard: object) => Overview };

const shop = { source: 'shop', watermark: { state: 'known' }, stalenessMs: 400 };
const freshness = {
  latencyMs: { p50: 40, p99: 120, 'p99.99': 300 },
  counts: { commits: 10 },
  slo: { errorBudgetLeft: 0.9, objective: 0.99, targetMs: 1_000 },
  sources: [shop],
  alerts: [],
};
const agent = {
  name: 'support',
  health: { state: 'healthy' },
  metrics: { completed: 9, failed: 1, halted: 0, loopRate: 0 },
};
const budget = { of: 'agent', name: 'support', usdPerDay: '10', spentUsd: '1.5' };
const stages = ['index-documents', 'apply-index', 'agents'];
const status = {
  backlog: stages.map((stage) => ({ stage, seconds: 0 })),
  waitingFor: null,
  troubles: [],
  connectors: [{ source: 'shop', state: 'running' }],
  sources: [{ source: 'shop', state: 'streaming', tables: [] }],
};
const well = {
  ...{ freshness, status, agents: [agent] },
  budgets: { known: true, budgets: [budget] },
  safety: { approvalsHeld: 0 },
};
const figure = (heard: object, name: string) => {
  const found = overviewOf(heard).figures.find((each) => each.name === name);
  if (!found) throw new Error(`there is no figure ${name}`);
  return found;
};

test('all is well where everything is heard, known and good', () => {
  expect(overviewOf(well).verdict).toEqual({ tone: 'good', text: 'All is well' });
  expect(figure(well, 'Success rate').value).toBe('90.0 %');
  expect(figure(well, 'Spent today').value).toBe('$1.50');
});

test('whatever is not heard from makes its figures unknown, and never well', () => {
  expect(overviewOf({}).figures.every(({ tone, value }) => tone === 'unknown' && value === 'unknown')).toBe(
    true,
  );
  for (const name of Object.keys(well))
    expect(overviewOf({ ...well, [name]: undefined }).verdict.tone).toBe('unknown');
});

test('one source or stage that is not known outweighs all that are', () => {
  const dark = { source: 'erp', watermark: { state: 'unknown' }, stalenessMs: null };
  const staleness = figure({ ...well, freshness: { ...freshness, sources: [shop, dark] } }, 'Staleness');
  expect(staleness).toMatchObject({ tone: 'unknown', note: 'erp unknown · shop 400 ms' });
  const [first, ...rest] = status.backlog;
  const backlog = [{ ...first, seconds: null }, ...rest];
  expect(figure({ ...well, status: { ...status, backlog } }, 'Backlog').tone).toBe('unknown');
});

test('money is known where every budget is, and a limit of nothing is not one that is spent', () => {
  const spent = (known: boolean, ...more: readonly object[]) =>
    figure({ ...well, budgets: { known, budgets: [budget, ...more] } }, 'Spent today');
  const acme = { of: 'tenant', name: 'acme', usdPerDay: '10', spentUsd: '1' };
  expect(spent(true, acme).tone).toBe('good');
  for (const counting of [
    { ...acme, spentUsd: null },
    { ...budget, name: 'sales', spentUsd: null },
  ])
    expect(spent(false, counting)).toMatchObject({
      tone: 'unknown',
      note: `being counted: ${counting.name}`,
    });
  // A limit that an agent's definition sets each tenant is none of those that are listed.
  expect(spent(false, { ...acme, usdPerDay: null })).toMatchObject({
    tone: 'unknown',
    note: 'being counted',
  });
  expect(spent(true, { ...budget, name: 'sales', usdPerDay: null, spentUsd: null })).toMatchObject({
    tone: 'unknown',
    note: 'more was spent than is kept here',
  });
  expect(spent(true, { ...acme, usdPerDay: '0', spentUsd: '0' }).tone).toBe('good');
  expect(spent(true, { ...acme, spentUsd: '8' }).tone).toBe('warn');
  expect(spent(true, { ...acme, spentUsd: '10' })).toMatchObject({ tone: 'bad', note: 'nearly spent: acme' });
});

test('nothing that could be measured yet is neither good nor unknown', () => {
  const quiet = {
    ...freshness,
    counts: { commits: 0 },
    slo: { ...freshness.slo, errorBudgetLeft: null },
  };
  const idle = { ...agent, metrics: { completed: 0, failed: 0, halted: 0, loopRate: null } };
  const { verdict, figures } = overviewOf({ ...well, freshness: quiet, agents: [idle] });
  expect(verdict.tone).toBe('good');
  expect(figures.filter(({ tone }) => tone === 'none').map(({ name }) => name)).toEqual([
    'Freshness',
    'Error budget',
    'Success rate',
    'Loop rate',
  ]);
});

test('the worst is what is said', () => {
  const late = { ...freshness, sources: [{ ...shop, stalenessMs: 60_000 }] };
  const heard = { ...well, freshness: late, safety: { approvalsHeld: 2 }, agents: undefined };
  expect(overviewOf(heard).verdict).toEqual({ tone: 'bad', text: 'Something is wrong: staleness' });
  const behind = { ...status, backlog: [{ stage: 'agents', seconds: 31 }] };
  expect(overviewOf({ ...well, status: behind, safety: { approvalsHeld: 2 } }).verdict.text).toBe(
    'Worth a look: backlog, open approvals',
  );
});
