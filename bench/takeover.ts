/**
 * How long work lies idle when its worker dies: two processes share a load, with fifty executions each that wait for a slow model;
 * one of them is killed (SIGKILL), and the other goes on with all. The session timeout is the product's default. Counts what
 * was lost and which effects were asked for again.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createKafkaJsClient } from '../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../connectors/kafka/record-writer.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import { openRecordCodec } from '../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../connectors/registry/schema-registry.ts';
import { RUN_TYPESCRIPT } from '../connectors/typescript/run-typescript.ts';
import type { AgentEvent } from '../schemas/records.ts';
import { PARTITIONS, TOPICS } from '../schemas/topics.ts';
import type { Bench } from './support/bench.ts';
import { openBenchStack } from './support/bench-stack.ts';

/** The same of each partition, and half of the partitions are the killed one's. */
const EXECUTIONS = 13 * PARTITIONS;
/** From the second's joining until the partitions are shared out. */
const SHARED_OUT_MS = 3_000;
/** Of the call between the two effects: the one that the worker dies in. */
const SLOW_CALL_MS = 5_000;
const ALL_WITHIN_MS = 90_000;
const LOOK_MS = 500;
const PROGRAM = fileURLToPath(new URL('support/taken-over-worker.ts', import.meta.url));

export const takeoverBench: Bench = {
  name: 'takeover',
  measures:
    'a worker killed with fifty executions under way: until another has gone on with all, and has ended all',
  runs: 3,
  run: async (tell, signal) => {
    const servers = await openBenchStack(['kafka', 'schemaRegistry'], signal);
    const { stack } = servers;
    const registry = `${stack.schemaRegistry}/apis/ccompat/v7`;
    const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'bench' });
    const writer = openRecordWriter(kafka);
    const outside = await openOutside();
    const children: ChildProcess[] = [];
    const killAll = (): void => children.forEach((child) => void child.kill('SIGKILL'));
    process.once('exit', killAll);
    const start = (name: string): Promise<ChildProcess> =>
      startWorker({ broker: stack.kafka, registry, outside: outside.url, name }, children);
    try {
      await kafka.admin.createTopics(Object.values(TOPICS));
      const codec = await openRecordCodec(openSchemaRegistry(registry));
      const first = await start('first');
      await start('second');
      await sleep(SHARED_OUT_MS);
      const tasks = Array.from({ length: EXECUTIONS }, (_, at) => `task-${at}`);
      await writer.append(
        tasks.map((taskId, at) => ({
          topic: TOPICS.tasks.name,
          partition: at % PARTITIONS,
          key: taskId,
          value: Buffer.from(JSON.stringify({ agent: 'poster', input: `post for ${taskId}`, taskId })),
        })),
      );
      while (outside.slowCalls() < EXECUTIONS && !signal.aborted) await sleep(20);
      const killedAt = Date.now();
      first.kill('SIGKILL');
      const journalOf = async (): Promise<readonly AgentEvent[]> => {
        const values: (Buffer | null)[] = [];
        await scanTopic(kafka, { topic: TOPICS.agentEvents.name }, ({ value }) => values.push(value));
        return Promise.all(values.map((value) => codec.decode('AgentEvent', value)));
      };
      const endedOf = (events: readonly AgentEvent[]): ReadonlySet<string> =>
        new Set(events.filter(({ type }) => type === 'response').map(({ taskId }) => taskId));
      const sinceKill = (at: number): number => (at / 1_000 - killedAt) / 1_000;
      let events = await journalOf();
      while (endedOf(events).size < EXECUTIONS && Date.now() < killedAt + ALL_WITHIN_MS && !signal.aborted) {
        await sleep(LOOK_MS);
        events = await journalOf();
      }
      const claims = events.filter(({ type, at }) => type === 'claim' && sinceKill(at) > 0);
      const taken = new Set(claims.map(({ taskId }) => taskId));
      const responses = events.filter(({ type, taskId }) => type === 'response' && taken.has(taskId));
      const latest = (of: readonly AgentEvent[]): number => Math.max(...of.map(({ at }) => sinceKill(at)));
      const lost = EXECUTIONS - endedOf(events).size;
      tell(
        `${claims.length} taken over, ${responses.length} responses, ${outside.again()} effects asked for again`,
      );
      return {
        'all taken over after': { value: latest(claims), unit: 's', target: { atMost: 15 } },
        'all ended after, less the slow call': {
          value: latest(responses) - SLOW_CALL_MS / 1_000,
          unit: 's',
          target: { atMost: 15 },
        },
        lost: { value: lost, unit: '', target: { atMost: 0 } },
        'effects that were made twice': { value: outside.twice(), unit: '', target: { atMost: 0 } },
        'effects asked for again under their key': { value: outside.again(), unit: '' },
        'executions taken over': { value: taken.size, unit: '' },
      };
    } finally {
      killAll();
      process.removeListener('exit', killAll);
      await outside.close();
      await writer.close();
      await kafka.close();
      await servers.close();
    }
  },
};

/** Resolves when the worker is in its group. */
const startWorker = async (
  settings: Readonly<Record<string, string>>,
  children: ChildProcess[],
): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [...RUN_TYPESCRIPT, PROGRAM, JSON.stringify(settings)], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  children.push(child);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (piece: Buffer) => {
      said += piece.toString();
      if (said.includes('is in the group')) resolve();
    });
    child.once('exit', () => reject(new Error(`the worker ended: ${said}`)));
  });
  return child;
};

/** The model and the effects' other side: it honours keys, and counts. */
const openOutside = async () => {
  const keys = new Set<string>();
  const effects = new Map<string, number>();
  let slow = 0;
  let again = 0;
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { done, taskId, number, key } = JSON.parse(Buffer.concat(pieces).toString()) as {
      readonly done?: number;
      readonly taskId?: string;
      readonly number?: number;
      readonly key?: string;
    };
    if (key !== undefined) {
      const effect = `${taskId} ${number}`;
      if (keys.has(key)) again += 1;
      else effects.set(effect, (effects.get(effect) ?? 0) + 1);
      keys.add(key);
    } else if (done === 1) {
      slow += 1;
      await sleep(SLOW_CALL_MS);
    }
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  return {
    url: `http://127.0.0.1:${typeof at === 'object' && at ? at.port : 0}`,
    slowCalls: () => slow,
    again: () => again,
    /** Effects of one execution that took place more than once. */
    twice: () => [...effects.values()].filter((times) => times > 1).length,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
