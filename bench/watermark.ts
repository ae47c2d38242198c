/**
 * Is the watermark honest (I6)? Writers insert, change, blank and delete rows at random while searches go on. Every receipt
 * is a claim: that all which was committed up to its position, or before the moment its staleness counts from, is in what
 * was found. Each is held against what the writers know they did. The pipeline role and Connect are killed under way.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { loadConfig } from '../cli/load-config.ts';
import { createProgress } from '../cli/progress.ts';
import { type RunningFreshet, startEverything } from '../cli/start/start-everything.ts';
import { openIndexClient } from '../connectors/index-service/index-client.ts';
import { seededRandom } from '../connectors/sample-source/seeded-random.ts';
import { cacheDirectoryOf } from '../connectors/stack/cache-directory.ts';
import { systemClock } from '../schemas/clock.ts';
import type { SearchResponse } from '../schemas/search.ts';
import { comparePositions } from '../schemas/source-position.ts';
import type { Bench, Figures } from './support/bench.ts';
import { percentile } from './support/bench.ts';

const CLAIMS = 10_500;
const WRITERS = 4;
const ROWS_OF_WRITER = 10;
const SOURCE = 'helpcentre';
const CATEGORY = 'watermark-bench';
const FIRST_ID = 5_000_000;
const SAMPLE_ROWS = 200;
/** Clocks of two processes of one machine differ by less. */
const CLOCK_MARGIN_MICROS = 5_000;
const DEADLINE_MS = 480_000;

/** One change of a row. `code` null: afterwards nothing of it may be found. A blank text is refused, and what was good before stays. */
interface Deed {
  readonly code: string | null;
  /** Where the log stood after the commit, and when that was known; undefined while it is under way. */
  position?: string;
  doneAt?: number;
}

const codeOf = (text: string): string | null => /Code (\S+)\./.exec(text)?.[1] ?? null;

/** The place of the last deed of a row that a receipt claims to cover; -1 where it claims none. */
const claimedUpTo = (deeds: readonly Deed[], { receipt }: SearchResponse): number => {
  const mark = receipt.watermarks[SOURCE];
  if (mark?.state !== 'known') return -1;
  const before = receipt.at - (mark.stalenessMs ?? Number.POSITIVE_INFINITY) * 1_000 - CLOCK_MARGIN_MICROS;
  return deeds.findLastIndex(
    ({ position, doneAt }) =>
      position !== undefined &&
      ((comparePositions(position, mark.position ?? '') ?? 1) <= 0 ||
        (doneAt ?? Number.POSITIVE_INFINITY) < before),
  );
};

/** Rows whose found state is older than what the receipt claims. */
const falseRows = (rows: ReadonlyMap<string, readonly Deed[]>, answer: SearchResponse): readonly string[] => {
  const found = new Map(answer.hits.map((hit) => [hit.metadata.row ?? '', codeOf(hit.text)]));
  return [...rows].flatMap(([row, deeds]) => {
    const claimed = claimedUpTo(deeds, answer);
    if (claimed < 0) return [];
    const seen = found.get(row) ?? null;
    return deeds.slice(claimed).some(({ code }) => code === seen) ? [] : [`${row}: found ${seen}`];
  });
};

const write = async (
  url: string,
  writer: number,
  tenant: string,
  rows: ReadonlyMap<string, Deed[]>,
  signal: AbortSignal,
): Promise<number> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const random = seededRandom(11 + writer, 'watermark-bench');
  let made = 0;
  for (; !signal.aborted; made += 1) {
    const row = String(FIRST_ID + writer * 100 + random.integer(0, ROWS_OF_WRITER - 1));
    const kind = random.integer(0, 9);
    const deeds = rows.get(row) ?? [];
    const kept = deeds.at(-1)?.code ?? null;
    const code = kind === 0 ? null : kind === 1 ? kept : `w${writer}n${made}`;
    const deed: Deed = { code };
    deeds.push(deed);
    if (kind === 0) await client.query('delete from articles where id = $1', [row]);
    else
      await client.query(
        `insert into articles (id, tenant, title, category, body) values ($1, $2, 'Meter', $3, $4)
         on conflict (id) do update set body = excluded.body`,
        [row, tenant, CATEGORY, kind === 1 ? '   ' : `The meter was read again. Code ${code}.`],
      );
    const doneAt = systemClock();
    const { rows: ends } = await client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
    Object.assign(deed, { position: ends[0]?.lsn ?? '', doneAt });
    await sleep(random.integer(5, 60));
  }
  await client.end();
  return made;
};

const measure = async (tell: (line: string) => void, signal: AbortSignal): Promise<Figures> => {
  const root = mkdtempSync(join(tmpdir(), 'freshet-bench-'));
  const configFile = fileURLToPath(new URL('freshness-instant.config.ts', import.meta.url));
  const config = await loadConfig(configFile);
  const freshet: RunningFreshet = await startEverything({
    root,
    cacheDirectory: cacheDirectoryOf(process.env),
    configFile,
    config,
    environment: process.env,
    freePorts: true,
    sampleRows: SAMPLE_ROWS,
    progress: createProgress(() => undefined),
    signal,
    onFailure: (error) => tell(error.message),
  });
  const ended = new AbortController();
  try {
    const index = openIndexClient(freshet.run.index);
    const rows = new Map<string, Deed[]>();
    for (let writer = 0; writer < WRITERS; writer += 1)
      for (let row = 0; row < ROWS_OF_WRITER; row += 1) rows.set(String(FIRST_ID + writer * 100 + row), []);
    const tenant = config.localTenant;
    const writing = Array.from({ length: WRITERS }, (_, writer) =>
      write(freshet.sampleUrl, writer, tenant, rows, ended.signal),
    );
    let claims = 0;
    let known = 0;
    const positions = new Set<string>();
    const wrong: string[] = [];
    const staleness: number[] = [];
    const kills: readonly (readonly [number, () => Promise<unknown> | unknown])[] = [
      [0.35, () => process.kill(freshet.run.roles.pipeline ?? 0, 'SIGKILL')],
      [0.65, () => freshet.stack?.killServer('connect')],
    ];
    let killed = 0;
    const deadline = performance.now() + DEADLINE_MS;
    while (known < CLAIMS && !signal.aborted && performance.now() < deadline) {
      const answer = await index
        .search({
          query: 'the meter was read',
          tenant,
          topK: 100,
          filter: { category: CATEGORY },
          mode: 'vector',
        })
        .catch(() => undefined);
      await sleep(3);
      if (!answer) continue;
      claims += 1;
      const mark = answer.receipt.watermarks[SOURCE];
      if (mark?.state === 'known' && mark.position !== null) {
        known += 1;
        positions.add(mark.position);
        if (mark.stalenessMs !== null) staleness.push(mark.stalenessMs);
      }
      wrong.push(...falseRows(rows, answer));
      const next = kills[killed];
      if (next && known > CLAIMS * next[0]) {
        killed += 1;
        await next[1]();
      }
    }
    ended.abort();
    const written = (await Promise.all(writing)).reduce((sum, made) => sum + made, 0);
    for (const each of wrong.slice(0, 10)) tell(`false: ${each}`);
    return {
      'claims checked': { value: known, unit: '', target: { atLeast: 10_000 } },
      'claims false': { value: wrong.length, unit: '', target: { atMost: 0 } },
      'answers without a claim': { value: claims - known, unit: '' },
      'rows a claim is held against': { value: rows.size, unit: '' },
      'positions claimed': { value: positions.size, unit: '' },
      'changes written': { value: written, unit: '' },
      'staleness p50': { value: percentile(staleness, 50), unit: 'ms' },
      'staleness p99': { value: percentile(staleness, 99), unit: 'ms' },
    };
  } finally {
    ended.abort();
    await freshet.stop();
    rmSync(root, { recursive: true, force: true });
  }
};

export const watermarkBench: Bench = {
  name: 'watermark',
  measures:
    'every receipt under a random workload, with the pipeline and Connect killed: claims checked, claims false',
  runs: 1,
  run: measure,
};
