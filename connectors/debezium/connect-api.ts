import { setTimeout as delay } from 'node:timers/promises';
import { isInteger, parse as parseLossless } from 'lossless-json';
import { z } from 'zod';
import { bareAddress, requestTo } from '../../schemas/bare-address.ts';
import { FreshetError, toError } from '../../schemas/errors.ts';
import type { ConnectorConfig } from './connector-config.ts';

const partSchema = z.object({ state: z.string(), worker_id: z.string(), trace: z.string().optional() });
const statusSchema = z.object({
  name: z.string(),
  connector: partSchema,
  tasks: z.array(partSchema.extend({ id: z.number().int() })),
});

/** RUNNING, FAILED, PAUSED, STOPPED, UNASSIGNED or RESTARTING, of the connector and of each task. */
export type ConnectorStatus = z.infer<typeof statusSchema>;

const offsetsSchema = z.object({
  offsets: z.array(
    z.object({
      partition: z.record(z.string(), z.unknown()),
      offset: z.record(z.string(), z.unknown()).nullable(),
    }),
  ),
});

/** One source partition's offset as acknowledged by Kafka; whole numbers are bigint, as LSNs pass 2^53. */
export type ConnectorOffset = z.infer<typeof offsetsSchema>['offsets'][number];

/** Of the snapshot that a capture begins with: no position of the log is acknowledged yet. */
export const isOfSnapshot = ({ offset }: ConnectorOffset): boolean =>
  ![undefined, false, 'false'].some((none) => offset?.snapshot === none);

/** A snapshot that a signal asked for is under way: Debezium keeps what it has still to read in Connect's offsets. */
export const isOfIncremental = ({ offset }: ConnectorOffset): boolean =>
  Boolean(offset?.incremental_snapshot_collections);

/** Connect's REST. Every call may throw FreshetError `connect-unavailable`. */
export type ConnectApi = {
  /** Creates the connector or changes its configuration. @throws FreshetError `connector-invalid` with Connect's reasons */
  readonly putConnector: (name: string, config: ConnectorConfig) => Promise<void>;
  /** `undefined` when there is no such connector, or none yet: a new one shows after a moment. */
  readonly status: (name: string) => Promise<ConnectorStatus | undefined>;
  /** Restarts what FAILED of a connector; the rest goes on undisturbed. */
  readonly restartFailed: (name: string) => Promise<void>;
  /** The configuration as Connect holds it; `undefined` when there is no such connector. */
  readonly config: (name: string) => Promise<ConnectorConfig | undefined>;
  /** `pause` keeps the tasks in hand, `stop` ends them; `resume` undoes both. Takes effect after a moment: see `status`. */
  readonly steer: (name: string, to: 'pause' | 'stop' | 'resume') => Promise<void>;
  /** Forgets how far a connector has read. It must be stopped, and its tasks ended. */
  readonly deleteOffsets: (name: string) => Promise<void>;
  /** Does nothing when there is no such connector. Its offsets are kept. */
  readonly deleteConnector: (name: string) => Promise<void>;
  /** Empty before the first flush. */
  readonly offsets: (name: string) => Promise<readonly ConnectorOffset[]>;
  readonly connectors: () => Promise<readonly string[]>;
};

type Reply = { readonly status: number; readonly text: string };

const REQUEST_MS = 30_000;
const REBALANCE_MS = 60_000;

/** Opens Connect's REST at a base URL; nothing is asked before the first call. */
export const openConnectApi = (baseUrl: string): ConnectApi => {
  const once = async (method: string, path: string, body?: unknown): Promise<Reply> => {
    try {
      const { url, headers } = requestTo(baseUrl + path);
      const response = await fetch(url, {
        method,
        headers: { ...headers, accept: 'application/json', 'content-type': 'application/json' },
        signal: AbortSignal.timeout(REQUEST_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    } catch (thrown) {
      throw unavailable(toError(thrown).message, thrown);
    }
  };

  const unavailable = (said: string, cause?: unknown): FreshetError =>
    new FreshetError(
      'connect-unavailable',
      `Kafka Connect at ${bareAddress(baseUrl)} did not answer as it should (${said}): check that it runs, then try again.`,
      { cause },
    );

  /** 409 means that the workers are just dividing their tasks: it passes by itself. */
  const call = async (method: string, path: string, body?: unknown): Promise<Reply> => {
    const deadline = performance.now() + REBALANCE_MS;
    for (;;) {
      const reply = await once(method, path, body);
      if (reply.status === 409 && performance.now() < deadline) {
        await delay(250);
        continue;
      }
      if (reply.status < 300 || reply.status === 400 || reply.status === 404) return reply;
      throw unavailable(`${reply.status} ${reasonOf(reply.text)}`);
    }
  };

  const at = (name: string): string => `/connectors/${encodeURIComponent(name)}`;

  return {
    putConnector: async (name, config) => {
      const reply = await call('PUT', `${at(name)}/config`, config);
      if (reply.status < 300) return;
      const reason = withoutSecrets(reasonOf(reply.text), config);
      throw new FreshetError('connector-invalid', `Kafka Connect refuses the connector ${name}: ${reason}`);
    },
    status: async (name) => {
      const reply = await call('GET', `${at(name)}/status`);
      return reply.status === 404 ? undefined : statusSchema.parse(JSON.parse(reply.text));
    },
    restartFailed: async (name) => {
      await call('POST', `${at(name)}/restart?includeTasks=true&onlyFailed=true`);
    },
    config: async (name) => {
      const reply = await call('GET', `${at(name)}/config`);
      return reply.status === 404
        ? undefined
        : z.record(z.string(), z.string()).parse(JSON.parse(reply.text));
    },
    steer: async (name, to) => {
      await call('PUT', `${at(name)}/${to}`);
    },
    deleteOffsets: async (name) => {
      const reply = await call('DELETE', `${at(name)}/offsets`);
      if (reply.status === 400) throw unavailable(`400 ${reasonOf(reply.text)}`);
    },
    deleteConnector: async (name) => {
      await call('DELETE', at(name));
    },
    offsets: async (name) => {
      const reply = await call('GET', `${at(name)}/offsets`);
      if (reply.status !== 200) return [];
      const exact = parseLossless(reply.text, undefined, (text) =>
        isInteger(text) ? BigInt(text) : Number(text),
      );
      return offsetsSchema.parse(exact).offsets;
    },
    connectors: async () => z.array(z.string()).parse(JSON.parse((await call('GET', '/connectors')).text)),
  };
};

const reasonOf = (text: string): string => {
  try {
    const { message } = z.object({ message: z.string() }).parse(JSON.parse(text));
    return message.replace(/\s*You can also find the above list of errors at the endpoint.*$/s, '');
  } catch {
    return text.slice(0, 500);
  }
};

const withoutSecrets = (text: string, config: ConnectorConfig): string => {
  const secret = config['database.password'];
  return secret ? text.replaceAll(secret, '…') : text;
};
