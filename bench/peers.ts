/**
 * Freshet beside other systems that keep an index of a Postgres table: one after the other on the same machine and the same
 * Postgres, each with servers of its own, with the same embedder function, the same edits and the same looks.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, type BenchOptions, type Figure, type Figures, percentile } from './support/bench.ts';
import { type BenchSource, startBenchSource } from './support/bench-source.ts';
import { type EditFigures, isFound, runEdits } from './support/edit-load.ts';
import { editedRow } from './support/edit-mix.ts';
import { startFreshetIndexer } from './support/freshet-indexer.ts';
import type { Indexer, StartIndexer } from './support/indexer.ts';
import { peerIndexer } from './support/peer-indexer.ts';

interface System {
  readonly name: 'freshet' | 'pathway' | 'cocoindex';
  readonly start: StartIndexer;
  /** Pathway takes back an old row by its before image; the others have no use for it. */
  readonly replicaIdentity: 'default' | 'full';
}

const SYSTEMS: readonly System[] = [
  { name: 'freshet', start: startFreshetIndexer, replicaIdentity: 'default' },
  { name: 'pathway', start: peerIndexer('pathway'), replicaIdentity: 'full' },
  { name: 'cocoindex', start: peerIndexer('cocoindex'), replicaIdentity: 'default' },
];
const PEERS = ['pathway', 'cocoindex'] as const;

const ROWS_UNDER_EDITS = 1_000;
const SECONDS = 60;
/** Changes a second, the highest first: the next one down is for a system that cannot keep up. */
const RATES = [100, 50, 20] as const;
const ROWS_TO_LOAD = 50_000;
/** Loading is given up then; what is indexed by then counts. */
const LOAD_SECONDS = 120;
const LOOK_AT_LOAD_MS = 200;
/** Nothing more is expected then: a peer may lose a row of a first load. */
const STALLED_SECONDS = 15;
/** Of the rows under edits, for the edits to begin: a lost row is told, and must not cost a peer its figures. */
const SHARE_TO_BEGIN = 0.98;
/** Rows that are searched after a load: counted is not yet found. */
const ROWS_TO_FIND = 50;

type Tell = (line: string) => void;

const withIndexer = async <T>(
  system: System,
  source: BenchSource,
  rows: number,
  signal: AbortSignal,
  tell: Tell,
  work: (indexer: Indexer, url: string) => Promise<T>,
): Promise<T> => {
  const url = await source.fill(rows, system.replicaIdentity);
  const indexer = await system.start({ url, tell, signal });
  try {
    return await work(indexer, url);
  } finally {
    await indexer.stop();
    await source.empty();
  }
};

/**
 * Seconds from the servers' readiness until so many documents may be found, and how many that were: fewer when time was up,
 * or when no more came; the seconds are then those of the last one that came.
 */
const loaded = async (
  indexer: Indexer,
  rows: number,
  seconds: number,
  signal: AbortSignal,
): Promise<{ readonly documents: number; readonly seconds: number }> => {
  let most = 0;
  let grewAt = 0;
  for (;;) {
    const documents = await indexer.documents();
    const passed = (performance.now() - indexer.serversReadyAt) / 1_000;
    if (documents > most) {
      most = documents;
      grewAt = passed;
    }
    if (documents >= rows || passed > seconds || signal.aborted) return { documents, seconds: passed };
    if (most > 0 && passed - grewAt > STALLED_SECONDS) return { documents: most, seconds: grewAt };
    await sleep(LOOK_AT_LOAD_MS);
  }
};

/** A queue that grows shows in the last quarter against the first; what was not seen in time is lost. */
const keptUp = ({ foundMs }: EditFigures): boolean => {
  const quarter = Math.ceil(foundMs.length / 4);
  const first = percentile(foundMs.slice(0, quarter), 50);
  const last = percentile(foundMs.slice(-quarter), 50);
  return foundMs.every(Number.isFinite) && last <= 2 * first + 500;
};

const freshnessOf = async (
  system: System,
  source: BenchSource,
  options: BenchOptions,
  tell: Tell,
  signal: AbortSignal,
): Promise<Figures> => {
  const rates = RATES.filter((rate) => rate <= (options.rate ?? RATES[0]));
  const figures: Record<string, Figure> = {};
  for (const changesPerSecond of rates.length > 0 ? rates : [options.rate ?? RATES[0]]) {
    const measured = await withIndexer(
      system,
      source,
      ROWS_UNDER_EDITS,
      signal,
      tell,
      async (indexer, url) => {
        const { documents } = await loaded(indexer, ROWS_UNDER_EDITS, LOAD_SECONDS, signal);
        if (documents < ROWS_UNDER_EDITS)
          tell(`${system.name} holds ${documents} of ${ROWS_UNDER_EDITS} rows`);
        if (documents < SHARE_TO_BEGIN * ROWS_UNDER_EDITS) throw new Error('too few rows were indexed');
        const seconds = options.seconds ?? SECONDS;
        return runEdits({ url, indexer, rows: ROWS_UNDER_EDITS, changesPerSecond, seconds, seed: 1, signal });
      },
    );
    const { foundMs, commitMs, lost } = measured;
    const kept = keptUp(measured);
    const name = `${system.name} at ${changesPerSecond}/s`;
    const ms = (at: number): Figure => ({ value: percentile(foundMs, at), unit: 'ms' });
    Object.assign(figures, {
      [`${name}, p50`]: ms(50),
      [`${name}, p95`]: ms(95),
      [`${name}, p99`]: ms(99),
      [`${name}, max`]: ms(100),
      [`${name}, commit itself p50`]: { value: percentile(commitMs, 50), unit: 'ms' },
      [`${name}, looked for`]: { value: foundMs.length, unit: '' },
      [`${name}, not seen in 10 s`]: {
        value: foundMs.filter((each) => !Number.isFinite(each)).length,
        unit: '',
      },
      [`${name}, kept up`]: { value: kept ? 1 : 0, unit: '' },
    });
    tell(
      `${name}: p50 ${percentile(foundMs, 50).toFixed(1)}, p99 ${percentile(foundMs, 99).toFixed(1)} ms of ${foundMs.length}${kept ? '' : '; did not keep up'}`,
    );
    for (const { kind, row } of lost) tell(`not seen in 10 s: ${kind} of row ${row.id}`);
    if (kept) break;
  }
  return figures;
};

const loadOf = async (
  system: System,
  source: BenchSource,
  options: BenchOptions,
  tell: Tell,
  signal: AbortSignal,
): Promise<Figures> => {
  const rows = options.rows ?? ROWS_TO_LOAD;
  const { documents, seconds, found } = await withIndexer(
    system,
    source,
    rows,
    signal,
    tell,
    async (indexer) => {
      const done = await loaded(indexer, rows, options.seconds ?? LOAD_SECONDS, signal);
      let found = 0;
      for (let at = 1; at <= ROWS_TO_FIND; at += 1)
        if (await isFound(indexer, editedRow(Math.ceil((at * rows) / ROWS_TO_FIND), 0))) found += 1;
      return { ...done, found };
    },
  );
  tell(
    `${system.name}: ${documents} of ${rows} rows in ${seconds.toFixed(1)} s, ${(documents / seconds).toFixed(0)} rows/s; ${found} of ${ROWS_TO_FIND} found`,
  );
  return {
    [`${system.name}, rows/s`]: { value: documents / seconds, unit: 'rows/s' },
    [`${system.name}, seconds`]: { value: seconds, unit: 's' },
    [`${system.name}, share indexed`]: { value: documents / rows, unit: '' },
    [`${system.name}, share found`]: { value: found / ROWS_TO_FIND, unit: '' },
  };
};

/** A peer that ends with an error has no figures; that must not cost the others theirs. */
const failedPeer =
  ({ name }: System, tell: Tell) =>
  (error: Error): Figures => {
    if (name === 'freshet') throw error;
    tell(`${name} failed: ${error.message}`);
    return { [`${name}, failed`]: { value: 1, unit: '' } };
  };

/** Every system once, in an order that turns with each run, so that none is always the first on a cold machine. */
const everySystem = async (
  measure: typeof freshnessOf,
  ratios: (figures: Figures) => Figures,
  options: BenchOptions,
  tell: Tell,
  signal: AbortSignal,
): Promise<Figures> => {
  const source = await startBenchSource(signal);
  const figures: Record<string, Figure> = {};
  const turn = options.run % SYSTEMS.length;
  try {
    for (const system of [...SYSTEMS.slice(turn), ...SYSTEMS.slice(0, turn)]) {
      if (signal.aborted) break;
      Object.assign(
        figures,
        await measure(system, source, options, tell, signal).catch(failedPeer(system, tell)),
      );
    }
    return { ...ratios(figures), ...figures };
  } finally {
    await source.stop();
  }
};

/** Each at the highest rate that it kept up with: a peer that cannot keep up with 100/s is compared at less, in its favour. */
const freshnessRatios = (figures: Figures): Figures => {
  const best = (name: string, what: string): number => {
    const at = RATES.find((rate) => figures[`${name} at ${rate}/s, kept up`]?.value === 1);
    const any = Object.keys(figures).find(
      (key) => key.startsWith(`${name} at `) && key.endsWith(`, ${what}`),
    );
    return figures[at === undefined ? (any ?? '') : `${name} at ${at}/s, ${what}`]?.value ?? Number.NaN;
  };
  return Object.fromEntries(
    PEERS.flatMap((peer) =>
      ['p50', 'p99'].map((what) => [
        `${peer} / freshet, ${what}`,
        { value: best(peer, what) / best('freshet', what), unit: 'times', target: { atLeast: 1 } },
      ]),
    ),
  );
};

const loadRatios = (figures: Figures): Figures =>
  Object.fromEntries(
    PEERS.map((peer) => [
      `freshet / ${peer}`,
      {
        value: (figures['freshet, rows/s']?.value ?? 0) / (figures[`${peer}, rows/s`]?.value ?? 0),
        unit: 'times',
        target: { atLeast: 1 },
      },
    ]),
  );

export const peersBenches: readonly Bench[] = [
  {
    name: 'peers-freshness',
    measures:
      'commit in Postgres to found by search at 100 edits/s (80 % updates, 15 % inserts, 5 % deletes): Freshet, Pathway, CocoIndex',
    runs: 3,
    run: (tell, signal, options) => everySystem(freshnessOf, freshnessRatios, options, tell, signal),
  },
  {
    name: 'peers-load',
    measures: 'from servers ready to 50,000 rows of a table found by search: Freshet, Pathway, CocoIndex',
    runs: 3,
    run: (tell, signal, options) => everySystem(loadOf, loadRatios, options, tell, signal),
  },
];
