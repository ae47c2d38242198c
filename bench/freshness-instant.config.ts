// The same with the instant embedder: what remains is the pipeline alone.
import { parseConfig } from '../schemas/config.ts';
import config from './freshness.config.ts';

export default parseConfig({ ...config, embedding: { model: 'feature-hash-384', workers: 1 } });
