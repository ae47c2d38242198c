import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import type { IndexRole } from './index-role.ts';

/** An embedding model and the index of its documents (decision 16). */
export interface Lane {
  readonly name: string;
  readonly model: EmbeddingModel;
  readonly role: IndexRole;
}
