/** The vector of a query, within a bound: a provider that hangs is not taken for an index that does not answer. */
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { withSignals } from '../../schemas/linked-signal.ts';

const WITHIN_MS = 8_000;

/**
 * Errors: `request-invalid` for a text that the model refuses; `model-failed`, where it takes too long too; `unavailable`
 * once `signal` says that nobody waits. What is not wanted any more is not asked of a provider.
 */
export const embedQuery = (
  model: Pick<EmbeddingModel, 'id' | 'embed'>,
  query: string,
  signal?: AbortSignal,
  withinMs = WITHIN_MS,
): Promise<Float32Array> =>
  withSignals([signal, AbortSignal.timeout(withinMs)], async (within) => {
    const over = new Promise<never>((_, reject) => {
      const end = (): void =>
        reject(
          signal?.aborted
            ? new FreshetError('unavailable', 'whoever asked has gone')
            : new FreshetError(
                'model-failed',
                `the embedding model ${model.id} took longer than ${withinMs} ms for a query`,
              ),
        );
      if (within.aborted) end();
      else within.addEventListener('abort', end);
    });
    const embedding = model.embed([query], { purpose: 'query', wanted: () => !within.aborted });
    const [vector] = await Promise.race([embedding, over]);
    if (!vector || vector.length === 0)
      throw new FreshetError('request-invalid', 'the embedding model does not take this query');
    return vector;
  });
