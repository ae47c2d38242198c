/** Counts a day's money from the journal again, for whoever is told `budget-unknown`: one at a time in a process, however many ask. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { type BudgetLedger, type JournaledCost, startOfDay } from '../../schemas/budget-ledger.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
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
/** Records carry their writers' clocks, which may be behind. */
const CLOCKS_APART_MS = 3_600_000;

/** Every call that a day pays for, from the journal as it stands now to its end. */
export const readDailyCosts = async (
  { kafka, codec, localTenant, onUnreadable }: Omit<BudgetRebuilderSettings, 'ledger'>,
  day: string,
): Promise<readonly JournaledCost[]> => {
  const fold = createBudgetFold(day, localTenant);
  const from = await kafka.admin.offsetsAt(JOURNAL, startOfDay(day) - CLOCKS_APART_MS);
  await scanTopic(kafka, { topic: JOURNAL, from }, async ({ partition, offset, value }) => {
    try {
      fold.add(await codec.decode('AgentEvent', value));
    } catch (error) {
      if (!(error instanceof FreshetError && error.code === 'record-unreadable')) throw error;
      onUnreadable(`${JOURNAL}:${partition}:${offset}`, error);
    }
  });
  return fold.costs();
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
