/**
 * Long-term recall as executions use it: 50,000 memories of one agent and tenant, appended to cdc.memory, embedded by the pipeline and
 * applied by the index role; then the recall of an execution (embedding the question, the search over loopback HTTP as between
 * processes, weighing by age and use, the use counts in Redis), one at a time and several at once. The embedder is the instant one;
 * the default model adds the time that it takes for one question (embedding-throughput).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { memoryIdOf, memoryRecord } from '../agents/memory/memory-record.ts';
import { createRecallMemories } from '../agents/memory/recall-memories.ts';
import { openIndex } from '../connectors/index-service/index-replicas.ts';
import { serveIndex } from '../connectors/index-service/index-server.ts';
import { createRedisUseCounts } from '../connectors/redis/redis-use-counts.ts';
import { seededRandom } from '../connectors/sample-source/seeded-random.ts';
import { createMetrics } from '../connectors/telemetry/metrics.ts';
import { systemClock } from '../schemas/clock.ts';
import { memoryPolicyOf } from '../schemas/memory-policy.ts';
import type { Memory } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type Bench, type Figure, percentile } from './support/bench.ts';
import { openDocumentPlane } from './support/document-plane.ts';

const MEMORIES = 50_000;
const BATCH = 1_000;
const LOOK_MS = 250;
const WARM_UP = 200;
const RECALLS = 2_000;
const AT_ONCE = 8;
const CUSTOMERS = 5_000;
const AGENT = 'bench';
const TENANT = 'acme';
const POLICY = memoryPolicyOf({ longTerm: { topK: 4, maxPerTenant: 100_000 } }).longTerm;
const THINGS = 'order parcel invoice router cable window valve pump lamp crate harbour label'.split(' ');
const TROUBLES = 'late broken lost wrong doubled unpaid refused noisy'.split(' ');

const questionOf = (at: number): string => {
  const random = seededRandom('memory', at);
  return `The ${random.pick(THINGS)} of customer ${random.integer(1, CUSTOMERS)} is ${random.pick(TROUBLES)}, and so is the ${random.pick(THINGS)}.`;
};

const memoryOf = (at: number): Memory => {
  const now = systemClock();
  const question = questionOf(at);
  return {
    memoryId: memoryIdOf('summary', [TENANT, AGENT, at]),
    ...{ kind: 'summary', state: 'kept', tenant: TENANT, agent: AGENT, sessionId: `s-${at}` },
    title: `Conversation: ${question}`,
    text: `Asked: ${question}\nAnswered: it was sent again on day ${at % 30}, and they were told.`,
    ...{ origin: 'user', uses: 1, createdAt: now, at: now, expiresAt: now + 90 * 86_400_000_000 },
    executionId: `execution-${at}`,
    places: [{ topic: TOPICS.agentEvents.name, partition: 0, from: at, to: at }],
    reason: 'extracted',
  };
};

export const longTermRecallBench: Bench = {
  name: 'long-term-recall',
  measures:
    'recall of long-term memories among 50,000 of one agent and tenant, through pipeline and index role',
  runs: 1,
  run: async (tell, signal, { rows = MEMORIES }) => {
    const plane = await openDocumentPlane({ signal, tell });
    const { codec, writer, index } = plane;
    try {
      const health = { role: 'index', notReady: () => null, metrics: createMetrics('index').registry };
      const server = await serveIndex(index, health);
      plane.before(() => server.close());

      const begun = performance.now();
      for (let from = 0; from < rows && !signal.aborted; from += BATCH)
        await writer.append(
          Array.from({ length: Math.min(BATCH, rows - from) }, (_, at) =>
            memoryRecord(codec, memoryOf(from + at)),
          ),
        );
      tell(`${rows} appended`);
      let { documents } = await index.status();
      for (let told = 0; documents < rows && !signal.aborted; ) {
        await sleep(LOOK_MS);
        ({ documents } = await index.status());
        if (documents < told + rows / 5) continue;
        told = documents;
        tell(`${documents} can be found`);
      }
      const seconds = (performance.now() - begun) / 1_000;
      tell(`${documents} memories can be found after ${seconds.toFixed(0)} s`);

      const recall = createRecallMemories({
        retriever: openIndex(server.url),
        uses: createRedisUseCounts(plane.redis),
        clock: systemClock,
        onTrouble: (error) => tell(error.message),
      });
      if (!POLICY) throw new Error('a policy with long-term memory has one');
      let found = 0;
      const recallOne = async (at: number): Promise<number> => {
        const of = (at * 7_919) % rows;
        const asked = performance.now();
        const memories = await recall({ agent: AGENT, tenant: TENANT, text: questionOf(of) }, POLICY, signal);
        const took = performance.now() - asked;
        const wanted = memoryIdOf('summary', [TENANT, AGENT, of]);
        if (memories.some(({ memoryId }) => memoryId === wanted)) found += 1;
        return took;
      };
      const timed = async (first: number, count: number, atOnce: number): Promise<readonly number[]> => {
        const samples: number[] = [];
        let next = 0;
        const lane = async (): Promise<void> => {
          for (let at = next++; at < count && !signal.aborted; at = next++)
            samples.push(await recallOne(first + at));
        };
        await Promise.all(Array.from({ length: atOnce }, lane));
        return samples;
      };
      await timed(0, WARM_UP, 1);
      found = 0;
      const alone = await timed(WARM_UP, RECALLS, 1);
      const foundAlone = found / alone.length;
      const together = await timed(WARM_UP + RECALLS, RECALLS, AT_ONCE);
      const of = (samples: readonly number[], at: number, atMost?: number): Figure => ({
        value: Number(percentile(samples, at).toFixed(2)),
        unit: 'ms',
        ...(atMost === undefined ? {} : { target: { atMost } }),
      });
      return {
        'recall p50': of(alone, 50),
        'recall p99': of(alone, 99, 20),
        [`${AT_ONCE} at once p50`]: of(together, 50),
        [`${AT_ONCE} at once p99`]: of(together, 99),
        'the memory asked for was among the four': { value: Number(foundAlone.toFixed(4)), unit: '' },
        memories: { value: documents, unit: '' },
        'appended to found, all of them': { value: Math.round(seconds), unit: 's' },
      };
    } finally {
      await plane.close();
    }
  },
};
