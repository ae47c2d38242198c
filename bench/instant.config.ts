// The sample source with the instant embedder: what remains is the pipeline alone.
import config from '../freshet.config.ts';
import { parseConfig } from '../schemas/config.ts';

export default parseConfig({ ...config, embedding: { model: 'feature-hash-384', workers: 1 } });
