/** Tells a mapping from another: by the text of its functions, so that what they call or close over is not seen. Pure. */
import { hash } from 'node:crypto';
import type { TableMapping } from '../../schemas/config.ts';

export const mappingDigest = ({ title, text, tenant, metadata }: TableMapping): string =>
  hash('sha256', JSON.stringify([title, text, tenant, metadata].map(String)), 'hex').slice(0, 16);
