/**
 * Proves the main job end to end on what runs: a row changed → found by search → used in an agent's answer, with its
 * receipt → deleted and never back → the execution replayed by offset. Every step can fail; each is timed.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { replayExecution } from '../../agents/replay/replay-execution.ts';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { connectToSource } from '../../connectors/sample-source/source-connection.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import type { Receipt, SearchResponse } from '../../schemas/search.ts';
import { comparePositions } from '../../schemas/source-position.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Progress } from '../progress.ts';
import { sampleOf } from './prepare-sources.ts';
import { untilSampleIndexed } from './sample-indexed.ts';
import type { RunningFreshet } from './start-everything.ts';

export interface CheckSettings {
  readonly freshet: RunningFreshet;
  readonly config: FreshetConfig;
  readonly json: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

interface CheckedStep {
  readonly step: string;
  readonly ms: number;
  readonly ok: boolean;
  readonly detail: string;
}

const SOURCE_TABLE = 'public.articles';
const WITHIN_MS = 30_000;
/** What the task may wait until the index covers the update. */
const FRESH_WITHIN_MS = 20_000;
/** How long what is deleted or outdated is looked for, after the index has passed the record that could bring it back. */
const LOOKED_FOR_MS = 1_000;

const fail = (message: string): never => {
  throw new FreshetError('check-failed', message);
};

/** Throws `check-failed` when a step does not hold, after the summary was printed. */
export const check = async (settings: CheckSettings): Promise<void> => {
  const { freshet, config, signal } = settings;
  const kafka = await createKafkaJsClient({ brokers: [freshet.run.kafka], clientId: 'freshet-check' });
  const codec = await openRecordCodec(openSchemaRegistry(freshet.run.schemaRegistry));
  const writer = openRecordWriter(kafka);
  const { client, close } = await connectToSource(freshet.sampleUrl);
  const index = openIndexClient(freshet.run.index);
  const tenant = config.localTenant;
  const steps: CheckedStep[] = [];
  const code = randomUUID().slice(0, 6).toUpperCase();
  const subject = `Quillfish ${code} hatch`;
  const before = `The release code of the ${subject} is OLD-${code}.`;
  const after = `The release code of the ${subject} is NEW-${code}.`;
  const question = `What is the release code of the ${subject}?`;
  const source = sampleOf(config) ?? fail('no source has url: sample');
  let articleId = 0;
  /** The source's position behind the update. */
  let updatedAt = '';

  const texts = async (): Promise<string> => {
    const response = await fetch(`${freshet.run.gateway}/v1/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: question, topK: 20, tenant }),
    });
    if (!response.ok) return fail(`search answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as SearchResponse).hits.map((hit) => hit.text).join('\n');
  };
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    const deadline = performance.now() + WITHIN_MS;
    while (!(await holds())) {
      signal.throwIfAborted();
      if (performance.now() > deadline) fail(`${what}: not within ${WITHIN_MS / 1_000} s`);
      await sleep(5);
    }
  };
  const step = async (name: string, action: () => Promise<string>): Promise<void> => {
    const begun = performance.now();
    const ended = (ok: boolean, detail: string): void => {
      const done = { step: name, ms: Math.round(performance.now() - begun), ok, detail };
      steps.push(done);
      settings.progress.line(
        ok ? '✓' : '✗ FAILED',
        `${name.padEnd(52)} ${String(done.ms).padStart(6)} ms  ${detail}`,
      );
    };
    try {
      ended(true, await action());
    } catch (thrown) {
      const error = toFreshetError(thrown);
      ended(false, error.message);
      throw error.code === 'check-failed'
        ? error
        : new FreshetError('check-failed', `${name}: ${error.message}`, { cause: error });
    }
  };
  const documentId = (): string => `${source}/${SOURCE_TABLE}/${articleId}`;

  /** Appends an old record of the document again, as a late retry would, and waits until the index has passed it. */
  const appendAgain = async (record: KafkaRecord): Promise<void> => {
    const [place] = await writer.append([
      { topic: record.topic, partition: record.partition, key: documentId(), value: record.value },
    ]);
    await until(
      'the index passes a late record',
      async () => ((await index.status()).positions[String(record.partition)] ?? 0) > (place?.offset ?? 0),
    );
  };
  const staysAway = async (text: string, why: string): Promise<void> => {
    const deadline = performance.now() + LOOKED_FOR_MS;
    while (performance.now() < deadline) {
      if ((await texts()).includes(text)) fail(why);
      await sleep(20);
    }
  };

  let execution: { partition: number; offset: number } | undefined;
  let outdated: KafkaRecord | undefined;
  let current: KafkaRecord | undefined;
  try {
    await step('sample source indexed', () => untilSampleIndexed(freshet, settings.progress, signal));
    await step('row inserted → found by search', async () => {
      const { rows } = await client.query<{ id: string }>(
        'insert into articles (tenant, title, category, body) values ($1, $2, $3, $4) returning id',
        [tenant, subject, 'check', before],
      );
      articleId = Number(rows[0]?.id);
      await until('the new row is found', async () => (await texts()).includes(`OLD-${code}`));
      outdated = await newestRecord(kafka, documentId());
      return documentId();
    });
    await step('row updated → new text found, old gone', async () => {
      await client.query('update articles set body = $1 where id = $2', [after, articleId]);
      await until('the new text is found and the old one gone', async () => {
        const found = await texts();
        return found.includes(`NEW-${code}`) && !found.includes(`OLD-${code}`);
      });
      const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
      updatedAt = rows[0]?.lsn ?? '';
      current = await newestRecord(kafka, documentId());
      return 'whole, in one switch';
    });
    await step('older version appended again → superseded', async () => {
      await appendAgain(outdated ?? fail('no record of the first version'));
      await staysAway(`OLD-${code}`, 'the old text came back with a late record: an older version won');
      if (!(await texts()).includes(`NEW-${code}`))
        fail('the new text is gone after a late record of the old one');
      return 'the newer version stands';
    });
    await step('task produced to Kafka → answered from the new text', async () => {
      const freshness = { after: { source, position: updatedAt }, waitMs: FRESH_WITHIN_MS };
      const [place] = await writer.append([
        {
          topic: TOPICS.tasks.name,
          key: null,
          value: Buffer.from(JSON.stringify({ agent: 'support', input: question, tenant, freshness })),
        },
      ]);
      const taskId = `task-${place?.partition}-${place?.offset}`;
      let task: { state?: string; result?: unknown; receipt?: Partial<Receipt>; error?: unknown } = {};
      await until('the task is answered', async () => {
        const response = await fetch(`${freshet.run.gateway}/v1/tasks/${taskId}`);
        task = response.ok ? ((await response.json()) as typeof task) : {};
        return task.state === 'completed' || task.state === 'failed';
      });
      const answer = JSON.stringify(task.result ?? null);
      if (task.state !== 'completed') fail(`the task ended ${task.state}: ${JSON.stringify(task.error)}`);
      if (!answer.includes(`NEW-${code}`) || answer.includes(`OLD-${code}`))
        fail(`the answer is not from the new text: ${answer.slice(0, 300)}`);
      const receipt = JSON.stringify(task.receipt ?? null);
      const age = /"ageMs":(\d+)/.exec(receipt)?.[1];
      if (age === undefined)
        fail(`the receipt does not say how old its context was: ${receipt.slice(0, 300)}`);
      execution = await firstEvent(kafka, codec, place?.partition ?? 0, taskId);
      const { position, stalenessMs } =
        task.receipt?.watermarks?.[source] ?? fail('the receipt has no watermark');
      if (task.receipt?.fresh !== true || (comparePositions(position ?? '', updatedAt) ?? -1) < 0)
        fail(`the receipt does not cover the update at ${updatedAt}: ${receipt.slice(0, 300)}`);
      return `receipt: context ${age} ms old, everything up to ${position} covered, ${Math.round(stalenessMs ?? 0)} ms behind`;
    });
    await step('row deleted → no longer found', async () => {
      await client.query('delete from articles where id = $1', [articleId]);
      await until('the deleted row is gone', async () => !(await texts()).includes(`NEW-${code}`));
      return 'a marker stands in its place';
    });
    await step('deleted version appended again → stays deleted', async () => {
      await appendAgain(current ?? fail('no record of the second version'));
      await staysAway(`NEW-${code}`, 'the deleted row came back with a late record');
      return 'never back';
    });
    await step('execution replayed by offset', async () => {
      const at = { topic: TOPICS.agentEvents.name, ...(execution ?? fail('no execution to replay')) };
      const replay = await replayExecution({ kafka, codec, agents: config.agents, at });
      if (!replay.identical)
        fail(
          `the replay differs: ${JSON.stringify(replay.decisions.filter((decision) => !decision.same)).slice(0, 300)}`,
        );
      return `${at.topic}:${at.partition}:${at.offset} identical, ${replay.decisions.length} decisions, ${replay.outsideCalls} outside calls`;
    });
  } finally {
    await client.query('delete from articles where id = $1', [articleId]).catch(() => undefined);
    await close();
    await writer.close();
    await kafka.close();
    if (settings.json)
      process.stdout.write(`${JSON.stringify({ ok: steps.every((each) => each.ok), steps })}\n`);
  }
};

const newestRecord = async (kafka: KafkaClient, documentId: string): Promise<KafkaRecord | undefined> => {
  let newest: KafkaRecord | undefined;
  await scanTopic(kafka, { topic: TOPICS.documents.name }, (record) => {
    if (record.key?.toString('utf8') === documentId) newest = record;
  });
  return newest;
};

const firstEvent = async (
  kafka: KafkaClient,
  codec: RecordCodec,
  partition: number,
  taskId: string,
): Promise<{ partition: number; offset: number } | undefined> => {
  let found: { partition: number; offset: number } | undefined;
  await scanTopic(kafka, { topic: TOPICS.agentEvents.name, partitions: [partition] }, async (record) => {
    const event = await codec.decode('AgentEvent', record.value);
    if (event.taskId !== taskId) return true;
    found = { partition: record.partition, offset: record.offset };
    return false;
  });
  return found;
};
