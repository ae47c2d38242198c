import { expect, test } from 'vitest';
import { EmbeddingCache } from '../../../connectors/models/embedding/embedding-cache.ts';
import { embedQuery } from '../../../pipelines/apply-index/embed-query.ts';
import { openRemote } from '../../connectors/models/embedding/remote/remote-models.ts';
import { startEmbeddingServer } from '../../support/embedding-server.ts';

test('a provider that hangs is model-failed in time, and asked nothing that nobody waits for any more', async () => {
  const server = await startEmbeddingServer();
  const remote = await openRemote('openai-compatible', server.url, { concurrency: 1, timeoutMs: 600 });
  const model = new EmbeddingCache({ model: remote, maxBytes: 1_000_000 }).forTenant('acme');
  try {
    server.faultOf = ([text]) => (text === 'hangs' ? { kind: 'hang' } : undefined);
    const hanging = embedQuery(model, 'hangs', undefined, 200);
    const asker = new AbortController();
    const dropped = embedQuery(model, 'dropped', asker.signal);
    const left = embedQuery(model, 'wanted by another', asker.signal);
    const wanted = embedQuery(model, 'wanted by another');
    asker.abort();
    await expect(dropped).rejects.toMatchObject({ code: 'unavailable' });
    await expect(left).rejects.toMatchObject({ code: 'unavailable' });
    await expect(hanging).rejects.toMatchObject({ code: 'model-failed' });
    expect(await wanted).toHaveLength(384);
    // The one under way is neither broken off, which the breaker would not hear of, nor tried again.
    expect(server.seen.flatMap(({ texts }) => texts)).toEqual(['hangs', 'wanted by another']);
  } finally {
    await model.close();
    await server.close();
  }
});
