/** A search over the loopback between roles: the trace of whoever asks goes beside what is asked. */
import { afterEach, expect, test } from 'vitest';
import { openIndexClient } from '../../../connectors/index-service/index-client.ts';
import { type RoleServer, serveIndex } from '../../../connectors/index-service/index-server.ts';
import type { IndexService } from '../../../connectors/index-service/index-service.ts';
import { createMetrics } from '../../../connectors/telemetry/metrics.ts';
import type { SearchRequest } from '../../../schemas/search.ts';
import { RECEIPT } from '../../agents/fixed-retriever.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
let server: RoleServer | undefined;
afterEach(() => server?.close());

test('the index sees the request as it was asked, in its trace', async () => {
  const seen: SearchRequest[] = [];
  const service = {
    search: async (request: SearchRequest) => {
      seen.push(request);
      return { hits: [], mode: 'vector', receipt: RECEIPT };
    },
  } as Partial<IndexService> as IndexService;
  const { registry } = createMetrics('index');
  server = await serveIndex(service, { role: 'index', notReady: () => null, metrics: registry });
  const client = openIndexClient(server.url);
  const asked = { query: 'how long?', tenant: 'acme', topK: 2 };
  await client.search({ ...asked, traceparent: TRACEPARENT });
  await client.search(asked);
  expect(seen).toEqual([{ ...asked, traceparent: TRACEPARENT }, asked]);
});
