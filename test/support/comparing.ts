/** What a comparison of a table with the index prepares rows by: as the pipeline of the configuration does, each row judged alone. */
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import { JUDGED_ALONE } from '../../pipelines/gates/judged-alone.ts';
import type { PrepareSettings } from '../../pipelines/index-documents/prepare-changes.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { FreshetConfig } from '../../schemas/config.ts';

/** No row is read again: a scan gives each whole. */
export const comparing = (
  config: FreshetConfig,
  model: Pick<EmbeddingModel, 'id' | 'countTokens'>,
): PrepareSettings => ({
  config,
  model: model.id,
  chunking: { ...config.chunking, countTokens: (text) => model.countTokens(text) },
  limits: { maxRecordBytes: 8_000_000 },
  ...JUDGED_ALONE,
  clock: systemClock,
  readRow: async () => undefined,
});
