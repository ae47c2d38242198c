/** Counts a day's money from the journal again, for whoever is told `budget-unknown`: one at a time in a process, however many ask. */
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { type BudgetLedger, dayOf, type JournaledCost, startOfDay } from '../../schemas/budget-ledger.ts';
import { placeOf } from '../../schemas/dead-letters.ts';
import { type FreshetError, isUnreadable } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { isSummaryCost } from '../memory/summary-costs.ts';
import { createBudgetFold } from './fold-budgets.ts';

export interface BudgetRebuilder {
  /** Resolves once the day is known, or was when it was asked. Errors: `kafka-unavailable`, `registry-unavailable`, `unavailable`. */
  ensure(day: string): Promise<void>;
}

export interface BudgetRebuilderSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly ledger: Pick<BudgetLedger, 'rebuild'>;
  readonly localTenant: string;
  /** A record of the journal that cannot be read: whatever it cost is not counted. */
  readonly onUnreadable: (position: string, error: FreshetError) => void;
}

const JOURNAL = TOPICS.agentEvents.name;
const COSTS = TOPICS.costs.name;
/** Records carry their writers' clocks, which may be behind. */
const CLOCKS_APART_MS = 3_600_000;

/** Every call that a day pays for, from the journal as it stands now to its end; summaries have theirs on freshet.costs alone. */
export const readDailyCosts = async (
  settings: Omit<BudgetRebuilderSettings, 'ledger'>,
  day: string,
): Promise<readonly JournaledCost[]> => {
  const { codec, localTenant } = settings;
  const fold = createBudgetFold(day, localTenant);
  await readDay(settings, day, JOURNAL, async ({ value }) =>
    fold.add(await codec.decode('AgentEvent', value)),
  );
  const summaries = new Map<string, JournaledCost>();
  await readDay(settings, day, COSTS, async ({ key, value }) => {
    if (!isSummaryCost(key?.toString('utf8') ?? '')) return;
    const { costId, agent, tenant, usd, settled, at } = await codec.decode('Cost', value);
    // Settled once: a reservation that was sent twice changes nothing.
    if (dayOf(at) !== day || summaries.get(costId)?.settled) return;
    summaries.set(costId, { costId, agent, tenant: tenant ?? localTenant, usd, settled });
  });
  return [...fold.costs(), ...summaries.values()];
};

const readDay = async (
  { kafka, onUnreadable }: Pick<BudgetRebuilderSettings, 'kafka' | 'onUnreadable'>,
  day: string,
  topic: string,
  read: (record: KafkaRecord) => Promise<void>,
): Promise<void> => {
  const from = await kafka.admin.offsetsAt(topic, startOfDay(day) - CLOCKS_APART_MS);
  await scanTopic(kafka, { topic, from }, async (record) => {
    try {
      await read(record);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      onUnreadable(placeOf(record), error);
    }
  });
};

export const createBudgetRebuilder = (settings: BudgetRebuilderSettings): BudgetRebuilder => {
  const underway = new Map<string, Promise<void>>();
  return {
    ensure: (day) => {
      const known = underway.get(day);
      if (known) return known;
      const rebuilt = settings.ledger
        .rebuild(day, () => readDailyCosts(settings, day))
        .finally(() => underway.delete(day));
      underway.set(day, rebuilt);
      return rebuilt;
    },
  };
};
