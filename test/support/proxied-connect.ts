/**
 * A stack of a test's own whose Connect reaches Kafka through a proxy. What Connect may not write any more is held there: not a
 * moment between two flushes that a slow machine misses, but for as long as the test wants it.
 */
import { freePorts } from '../../connectors/stack/ports.ts';
import { forgetMembers } from './group-members.ts';
import { startTestStack, type TestStack } from './own-stack.ts';
import { type Request, startTcpProxy } from './tcp-proxy.ts';

export interface ProxiedConnect {
  readonly stack: TestStack;
  /**
   * From now on Kafka does not learn how far a connector has come: what is delivered comes again after a kill. What passed before
   * stands.
   */
  holdOffsets(): void;
  /** Lets so many more bytes of Connect's records pass, about, and nothing after them. */
  holdAfter(bytes: number): void;
  /** Whether anything was held since. */
  holds(): boolean;
  /** SIGKILL, and Kafka knows that it is gone: started again, it waits for no session of its own. */
  killConnect(): Promise<void>;
  /** What is held stays so: Connect is to be killed before it goes on. */
  letPass(): void;
  close(): Promise<void>;
}

/** group.id of deploy/connect/worker.properties. */
const CONNECT_GROUP = 'freshet-connect';
/** How Connect's offsets are keyed: the connector's name, and what it says of itself. */
const OFFSETS_KEY = '["freshet-';

export const startWithProxiedConnect = async (
  options: Pick<Parameters<typeof startTestStack>[0] & object, 'servers' | 'plugins' | 'workerSettings'> = {},
): Promise<ProxiedConnect> => {
  const ports = await freePorts();
  let offsetsPass = true;
  let left = Number.POSITIVE_INFINITY;
  let held = false;
  const decide = (request: Request, frame: Buffer) => {
    if (request !== 'produce') return 'none';
    const passes = left > 0 && (offsetsPass || !frame.includes(OFFSETS_KEY));
    left -= frame.length;
    held ||= !passes;
    return passes ? 'none' : 'held';
  };
  const proxy = await startTcpProxy(`127.0.0.1:${ports.kafka}`, decide);
  const workerSettings = { ...options.workerSettings, 'bootstrap.servers': proxy.address };
  const stack = await startTestStack({ ...options, ports, workerSettings }).catch(async (error: unknown) => {
    await proxy.close();
    throw error;
  });
  return {
    stack,
    holdOffsets: () => {
      held = false;
      offsetsPass = false;
    },
    holdAfter: (bytes) => {
      held = false;
      left = bytes;
    },
    holds: () => held,
    killConnect: async () => {
      await stack.killServer('connect');
      await forgetMembers(stack.kafka, CONNECT_GROUP);
    },
    letPass: () => {
      offsetsPass = true;
      left = Number.POSITIVE_INFINITY;
    },
    close: async () => {
      await stack.stop();
      await proxy.close();
    },
  };
};
