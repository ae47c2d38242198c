/** Why a value that the codec refused is none of ours, as its dead letter says it. */
import type { DeadLetterReason } from '../../schemas/dead-letters.ts';
import { schemaIdOf } from './record-codec.ts';

const BRACE = '{'.charCodeAt(0);

export const unreadableReason = (value: Buffer | null): DeadLetterReason => {
  if (value === null) return 'null-value';
  if (value[0] !== BRACE) return schemaIdOf(value) === undefined ? 'not-avro' : 'schema-mismatch';
  try {
    JSON.parse(value.toString('utf8'));
    return 'schema-mismatch';
  } catch {
    return 'not-json';
  }
};
