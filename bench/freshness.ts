/**
 * Commit in Postgres → found by search, on the whole of Freshet as it ships: real servers, four role processes, search
 * through the index role. Changes come at a fixed rate whatever happens to earlier ones (open loop); each is looked for
 * from the moment its commit was acknowledged; what the commit itself took is given beside it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { IndexService } from '../connectors/index-service/index-service.ts';
import type { FreshnessReport } from '../pipelines/track-freshness/freshness-report.ts';
import { type Bench, type Figures, percentile } from './support/bench.ts';
import { startFreshetUnderBench } from './support/freshet-under-bench.ts';

interface FreshnessSettings {
  readonly config: string;
  readonly changesPerSecond: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

const SAMPLE_ROWS = 500;
/** Rows that change in turn. */
const ROWS = 40;
/** Embedded once and then cached: the query's own embedding is not freshness. The filter names the row. */
const QUERY = 'the reading of the meter on the line, its reference and the seals that were replaced';
const WARM_UP_CHANGES = 40;
/** Looking costs the machine that is measured: first when it may be there, then at an eighth of what has passed. */
const FIRST_LOOK_MS = 8;
const LOOK_EVERY_MS = 2;
const LOOK_SHARE = 1 / 8;
const LOST_AFTER_MS = 10_000;

/** About 100 tokens, different every time, with a code that no other text has. */
const textOf = (code: string, at: number): string =>
  `Reference ${code}. The meter on line ${at % 97} was checked on the morning of day ${at % 28}, and its reading of ${1_000 + at} kilowatt hours was written into the log by the engineer on duty. ` +
  `Two seals were replaced, the display was cleaned, and the clock was set back by ${at % 60} seconds. The customer was told by letter that the tariff stays at ${20 + (at % 9)} cents until the end of the quarter. `;

const look = async (
  index: IndexService,
  tenant: string,
  row: string,
  code: string,
  committedAt: number,
): Promise<number> => {
  await sleep(FIRST_LOOK_MS);
  for (;;) {
    const { hits } = await index.search({ query: QUERY, tenant, topK: 1, filter: { row } });
    const now = performance.now();
    if (hits.some((hit) => hit.text.includes(code))) return now - committedAt;
    if (now - committedAt > LOST_AFTER_MS) return Number.POSITIVE_INFINITY;
    await sleep(Math.max(LOOK_EVERY_MS, (now - committedAt) * LOOK_SHARE));
  }
};

const measure = async (
  settings: FreshnessSettings,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> => {
  const { freshet, index, config, untilIndexed, stop } = await startFreshetUnderBench({
    config: settings.config,
    sampleRows: SAMPLE_ROWS,
    tell,
    signal,
  });
  const client = new pg.Client({ connectionString: freshet.sampleUrl });
  try {
    await untilIndexed(SAMPLE_ROWS);
    await client.connect();
    const tenant = config.localTenant;
    const { rows } = await client.query<{ id: string }>(
      `select id from articles where tenant = $1 and id <> 1 and length(body) < 600 order by id limit ${ROWS}`,
      [tenant],
    );
    const latencies: Promise<number>[] = [];
    const commits: number[] = [];
    const ended = new AbortController();
    const changes = WARM_UP_CHANGES + settings.changesPerSecond * settings.seconds;
    const begun = performance.now();
    for (let at = 0; at < changes && !signal.aborted && !ended.signal.aborted; at += 1) {
      await sleep(Math.max(0, begun + (at * 1_000) / settings.changesPerSecond - performance.now()));
      const code = `RX${at.toString(36).toUpperCase()}${Math.floor(Math.random() * 1e9)
        .toString(36)
        .toUpperCase()}`;
      const text = textOf(code, at);
      const row = rows[at % rows.length]?.id ?? '';
      const sentAt = performance.now();
      await client.query('update articles set body = $1 where id = $2', [text, row]);
      const committedAt = performance.now();
      commits.push(committedAt - sentAt);
      const looked = look(index, tenant, row, code, committedAt);
      looked.catch(() => ended.abort());
      latencies.push(looked);
    }
    const measured = (await Promise.all(latencies)).slice(WARM_UP_CHANGES);
    const found = measured.filter(Number.isFinite);
    const { stages } = (await (await fetch(`${freshet.run.gateway}/v1/freshness`)).json()) as FreshnessReport;
    tell(stages.map(({ stage, p50, p99 }) => `${stage} ${p50.toFixed(1)}/${p99.toFixed(1)}`).join('  '));
    const stageFigures = Object.fromEntries(
      stages.map(({ stage, p50 }) => [`${stage} p50`, { value: p50, unit: 'ms' }]),
    );
    const ms = (at: number): number => percentile(measured, at);
    return {
      'found p50': { value: ms(50), unit: 'ms', target: { atMost: settings.p50 } },
      'found p95': { value: ms(95), unit: 'ms' },
      'found p99': { value: ms(99), unit: 'ms', target: { atMost: settings.p99 } },
      'found max': { value: ms(100), unit: 'ms', target: { atMost: 5_000 } },
      'commit itself p50': { value: percentile(commits, 50), unit: 'ms' },
      ...stageFigures,
      changes: { value: measured.length, unit: '' },
      lost: { value: measured.length - found.length, unit: '', target: { atMost: 0 } },
    };
  } finally {
    await client.end().catch(() => undefined);
    await stop();
  }
};

export const freshnessBenches: readonly Bench[] = [
  {
    name: 'freshness',
    measures: 'commit in Postgres to found by search, 10 changes/s of ~100-token rows, real model',
    runs: 3,
    run: (tell, signal) =>
      measure(
        { config: 'freshness.config.ts', changesPerSecond: 10, seconds: 40, p50: 80, p99: 300 },
        tell,
        signal,
      ),
  },
  {
    name: 'freshness-instant',
    measures: 'commit in Postgres to found by search, 20 changes/s, instant embedder: the pipeline alone',
    runs: 3,
    run: (tell, signal) =>
      measure(
        { config: 'freshness-instant.config.ts', changesPerSecond: 20, seconds: 40, p50: 25, p99: 80 },
        tell,
        signal,
      ),
  },
];
