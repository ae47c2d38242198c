/** A worker whose model is metered outside of it, call by call, and whose money of the day is counted in Redis: some of them are killed. */
import { startTaskWorker, type TaskWorker } from '../../agents/runtime/task-worker.ts';
import { openCallGuards } from '../../agents/safety/call-guards.ts';
import { createBudgetRebuilder } from '../../agents/safety/rebuild-budgets.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openRedisBudgetLedger } from '../../connectors/redis/redis-budget-ledger.ts';
import { openSharedBreakers } from '../../connectors/redis/shared-breaker.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import type { BudgetLedger } from '../../schemas/budget-ledger.ts';
import { systemClock } from '../../schemas/clock.ts';
import { createControlView } from '../../schemas/control-view.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';
import { careful, lookThenAnswer } from './careful-agent.ts';

export const meteredAgent = (name: string): AgentDefinition => ({
  ...careful,
  name,
  safety: { usdPerDay: { agent: '5' } },
});

/** Of one agent alone: `prefix` is its name. */
export const openMeteredLedger = (redis: string, agent: string): Promise<BudgetLedger> =>
  openRedisBudgetLedger({ url: redis, clock: systemClock, prefix: agent });

export interface MeteredWorker {
  readonly worker: TaskWorker;
  stop(): Promise<void>;
}

/** `meter`: a URL that counts a call for each POST, as a provider does that has answered. */
export const startMeteredWorker = async (settings: {
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  readonly redis: string;
  readonly meter: string;
  readonly agent: string;
  readonly name: string;
  /** As one that dies each time between a reply's place in the journal and the ledger. */
  readonly settlesNothing?: boolean;
}): Promise<MeteredWorker> => {
  const { kafka, codec, writer, redis, meter, agent, name, settlesNothing = false } = settings;
  const opened = await openMeteredLedger(redis, agent);
  const ledger = settlesNothing ? { ...opened, settle: async () => undefined } : opened;
  const breakers = await openSharedBreakers({ url: redis, group: agent });
  const reading = { kafka, codec, localTenant: 'nobody', onUnreadable: () => undefined };
  const rebuilder = createBudgetRebuilder({ ...reading, ledger });
  const model = lookThenAnswer({ secondCallMs: 0 });
  const worker = await startTaskWorker({
    ...{ kafka, codec, writer },
    retriever: fixedRetriever(),
    models: [
      {
        ...model,
        generate: async (prompt) => {
          await fetch(meter, { method: 'POST' });
          return model.generate(prompt);
        },
      },
    ],
    agents: [meteredAgent(agent)],
    guards: openCallGuards({
      ...{ ledger, rebuilder, breakers, view: createControlView() },
      onTrouble: (error) => console.error(name, error.message),
    }),
    workerName: name,
    concurrency: 4,
    sessionTimeoutMs: 6_000,
  });
  return {
    worker,
    stop: async () => {
      await worker.stop(1_000);
      await Promise.all([ledger.close(), breakers.close()]);
    },
  };
};
