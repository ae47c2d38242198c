/**
 * Commit → searchable over ten minutes of an edit mix (inserts, updates of text and of other columns, deletes, one long
 * document that grows and shrinks) at 100 changes a second, instant embedder. Every change is timed by the record that the
 * index leaves on freshet.freshness, source clock and index clock being one; one change in a hundred is looked for, too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaJsClient } from '../connectors/kafka/kafkajs-client.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import { openRecordCodec } from '../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../connectors/registry/schema-registry.ts';
import { type EditorChange, startEditor } from '../connectors/sample-source/start-editor.ts';
import { latencyOf, STAGES, type StageName } from '../pipelines/track-freshness/change-latency.ts';
import { isProbeTable } from '../schemas/probe.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type Bench, type Figures, percentile, WARM_UP_SECONDS } from './support/bench.ts';
import { startFreshetUnderBench } from './support/freshet-under-bench.ts';

const SAMPLE_ROWS = 2_000;
const CHANGES_PER_SECOND = 100;
/** Of the sample source: a change does not say whose row it was. */
const TENANTS = ['tarnwell', 'osterby'];
const LOOK_ONE_IN = 100;
const LOOK_EVERY_MS = 5;
const SETTLES_WITHIN_MS = 30_000;

const measure = async (
  seconds: number,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> => {
  const bench = await startFreshetUnderBench({
    config: 'freshness-instant.config.ts',
    sampleRows: SAMPLE_ROWS,
    tell,
    signal,
  });
  const { run } = bench.freshet;
  const kafka = await createKafkaJsClient({ brokers: [run.kafka], clientId: 'bench' });
  try {
    await bench.untilIndexed(SAMPLE_ROWS);
    const timingEnds = async (): Promise<ReadonlyMap<number, number>> =>
      new Map(
        (await kafka.admin.offsets(TOPICS.freshness.name)).map((each) => [each.partition, each.latest]),
      );
    let readTo = await timingEnds();

    /** Until the row is found as it was committed, or later. */
    const look = async ({ id, sentAt, committedAt }: EditorChange): Promise<number> => {
      for (;;) {
        const answers = await Promise.all(
          TENANTS.map((tenant) =>
            bench.index.search({ query: 'anything', tenant, topK: 1, filter: { row: String(id) } }),
          ),
        );
        const now = Date.now();
        const [hit] = answers.flatMap(({ hits }) => hits);
        if (hit && now - hit.ageMs >= sentAt) return now - committedAt;
        if (now - committedAt > SETTLES_WITHIN_MS) return Number.POSITIVE_INFINITY;
        await sleep(LOOK_EVERY_MS);
      }
    };
    let committed = 0;
    const looks: Promise<number>[] = [];
    const editor = startEditor({
      url: bench.freshet.sampleUrl,
      changesPerSecond: CHANGES_PER_SECOND,
      seed: 1,
      onChange: (change) => {
        committed += 1;
        if (committed % LOOK_ONE_IN === 0 && change.table === 'articles' && change.kind === 'update-text')
          looks.push(look(change));
      },
    });
    await sleep(WARM_UP_SECONDS * 1_000, undefined, { signal });
    const warmAt = Date.now() * 1_000;
    const ends = performance.now() + seconds * 1_000;
    while (performance.now() < ends && !signal.aborted) await sleep(1_000);
    await editor.stop();
    const codec = await openRecordCodec(openSchemaRegistry(run.schemaRegistry));
    let seen = 0;
    const latencies: number[] = [];
    const stages = new Map(STAGES.map(({ name }) => [name, [] as number[]]));
    const settled = performance.now() + SETTLES_WITHIN_MS;
    do {
      const to = await timingEnds();
      await scanTopic(kafka, { topic: TOPICS.freshness.name, from: readTo, to }, async (record) => {
        const timing = await codec.decode('Timing', record.value);
        const { kind, stages: passed } = latencyOf(timing);
        // Probe rows and the first load are timed too, and were not committed by the editor.
        if (isProbeTable(timing.table) || (kind !== 'commit' && kind !== 'superseded')) return;
        seen += 1;
        if (timing.committedAt < warmAt) return;
        latencies.push((timing.searchableAt - timing.committedAt) / 1_000);
        for (const [name, micros] of Object.entries(passed))
          stages.get(name as StageName)?.push(micros / 1_000);
      });
      readTo = to;
    } while (seen < committed && performance.now() < settled);
    const found = (await Promise.all(looks)).filter((each) => each >= 0);
    const counts = editor.counts();
    const ms = (at: number): number => percentile(latencies, at);
    return {
      'searchable p50': { value: ms(50), unit: 'ms', target: { atMost: 20 } },
      'searchable p99': { value: ms(99), unit: 'ms', target: { atMost: 100 } },
      'searchable p99.99': { value: ms(99.99), unit: 'ms', target: { atMost: 1_000 } },
      'searchable max': { value: ms(100), unit: 'ms' },
      'found p50': { value: percentile(found, 50), unit: 'ms' },
      'found p99': { value: percentile(found, 99), unit: 'ms' },
      'looked for': { value: looks.length, unit: '' },
      committed: { value: committed, unit: '' },
      timed: { value: latencies.length, unit: '' },
      skipped: { value: counts.skipped, unit: '' },
      ...Object.fromEntries(
        STAGES.flatMap(({ name }) =>
          [50, 99].map((at) => [
            `${name} p${at}`,
            { value: percentile(stages.get(name) ?? [], at), unit: 'ms' },
          ]),
        ),
      ),
      lost: { value: Math.max(0, committed - seen), unit: '', target: { atMost: 0 } },
    };
  } finally {
    await kafka.close();
    await bench.stop();
  }
};

const benchOf = (name: string, seconds: number, time: string): Bench => ({
  name,
  measures: `commit in Postgres to searchable, 100 changes/s of an edit mix for ${time} after ${WARM_UP_SECONDS} s of warm-up, instant embedder`,
  runs: 1,
  run: (tell, signal) => measure(seconds, tell, signal),
});

export const sustainedBenches: readonly Bench[] = [
  benchOf('sustained', 600, '10 minutes'),
  benchOf('sustained-minute', 60, 'a minute'),
];
