/** What Redis counts as the thrifty agent's money of the day when nothing is spent any more: asked again while it may not have heard all. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { openRedisBudgetLedger } from '../../connectors/redis/redis-budget-ledger.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { dayOf } from '../../schemas/budget-ledger.ts';
import { systemClock } from '../../schemas/clock.ts';
import { parseUsd } from '../../schemas/money.ts';
import { ledgerOf } from './check-costs.ts';
import type { EntryOf } from './history.ts';
import type { Patience } from './patience.ts';
import { readCosts } from './read-history.ts';

const LOOK_MS = 500;
const THRIFTY = 'thrifty';

export const lookAtLedger = async (of: {
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  /** redis://host:port */
  readonly redis: string;
  readonly patience: Patience;
}): Promise<EntryOf<'ledger'>> => {
  const ledger = await openRedisBudgetLedger({ url: of.redis, clock: systemClock });
  try {
    for (;;) {
      const costs = (await readCosts(of.kafka, of.codec)).filter(({ agent }) => agent === THRIFTY);
      const { day, known, agents } = await ledger.spending(dayOf(systemClock()), {
        ...{ agents: [THRIFTY], tenants: [] },
      });
      const usd = agents[THRIFTY] ?? '0';
      if ((known && parseUsd(usd) === ledgerOf(costs)) || !of.patience.lasts())
        return { kind: 'ledger', day, known, usd };
      await sleep(LOOK_MS);
    }
  } finally {
    await ledger.close();
  }
};
