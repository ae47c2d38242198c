/**
 * The index that these gateways ask, behind its real HTTP server and client. It answers nothing of its own and keeps what
 * it was asked, as the tests are of what the gateway lets through: the index role has tests of its own, and
 * answered-task.server.test.ts runs a gateway over a real one.
 */
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import { serveIndex } from '../../connectors/index-service/index-server.ts';
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';
import type { SearchRequest } from '../../schemas/search.ts';

export const RECEIPT = {
  index: 'index-1',
  at: 1,
  watermarks: {
    shop: {
      state: 'unknown' as const,
      reason: 'not-tracked-yet',
      epoch: null,
      position: null,
      committedAt: null,
      stalenessMs: null,
      heldTables: {},
      quarantined: 0,
      deadLettered: 0,
    },
  },
  stalenessMs: null,
  fresh: null,
  newestApplied: {},
};

export interface IndexPeer {
  readonly client: IndexService;
  readonly searches: readonly SearchRequest[];
  close(): Promise<void>;
}

export const startIndexPeer = async (): Promise<IndexPeer> => {
  const searches: SearchRequest[] = [];
  const service: IndexService = {
    search: async (request) => {
      searches.push(request);
      return { hits: [], receipt: RECEIPT };
    },
    covers: async () => undefined,
    describe: async () => [],
    floor: async () => null,
    list: async function* () {},
    restore: async () => 0,
    document: async () => undefined,
    watermarks: async () => RECEIPT.watermarks,
    status: async () => ({
      name: 'index-1',
      engine: 'none',
      model: 'none',
      current: true,
      waiting: 0,
      documents: 0,
      markers: 0,
      rows: 0,
      trouble: null,
      build: { recent: 0, running: false, failure: null },
      keywords: null,
      positions: {},
    }),
    rebuild: async function* () {
      yield { done: false, records: 1, of: 2 };
      yield { done: true, records: 2, of: 2 };
    },
  };
  const server = await serveIndex(service, {
    role: 'index',
    notReady: () => null,
    metrics: createMetrics('index').registry,
  });
  return { client: openIndexClient(server.url), searches, close: server.close };
};
