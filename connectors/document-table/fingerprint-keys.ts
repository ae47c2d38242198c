/**
 * Keys under which a document is found by what its text looks like: tenant, then the text's hash or one quarter of its
 * SimHash, then the document. What may be near shares one of the five. Tenants are hashed, so no key shows their names.
 */
import { createHash } from 'node:crypto';
import { bandsOf, equalBits, FINGERPRINT_BYTES, sameText } from '../../schemas/fingerprint.ts';
import type { Document } from '../../schemas/records.ts';
import type { TableFiles } from './table-files.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest().subarray(0, 8);
const AFTER = Buffer.alloc(9, 0xff);
/** Of one quarter: a text that half of a table shares is found at once, and the rest of them need not be looked at. */
const MOST_LOOKED_AT = 64;

const prefixesOf = (tenant: Buffer, fingerprint: Buffer): readonly Buffer[] => [
  Buffer.concat([tenant, Buffer.from('='), fingerprint.subarray(0, 8)]),
  ...bandsOf(fingerprint).map((band) => Buffer.concat([tenant, Buffer.from(band)])),
];

/** What a standing keeps so that the keys can be taken away again: hash of the tenant and fingerprint. */
export const lookOf = ({ tenant, fingerprint }: Document): string | undefined =>
  fingerprint?.length === FINGERPRINT_BYTES && tenant !== null
    ? Buffer.concat([digest(tenant), fingerprint]).toString('base64')
    : undefined;

const keysOf = (look: string, documentId: string): readonly Buffer[] => {
  const bytes = Buffer.from(look, 'base64');
  const id = digest(documentId);
  return prefixesOf(bytes.subarray(0, 8), bytes.subarray(8)).map((prefix) => Buffer.concat([prefix, id]));
};

export const putLook = ({ looks }: TableFiles, look: string, documentId: string): void => {
  for (const key of keysOf(look, documentId)) looks.putSync(key, { documentId, look });
};

export const removeLook = ({ looks }: TableFiles, look: string, documentId: string): void => {
  for (const key of keysOf(look, documentId)) looks.removeSync(key);
};

export const findLook = (
  { looks }: TableFiles,
  tenant: string,
  documentId: string,
  fingerprint: Buffer,
  leastEqualBits: number,
  counts: (documentId: string) => boolean = () => true,
): { readonly documentId: string; readonly same: boolean } | undefined => {
  for (const prefix of prefixesOf(digest(tenant), fingerprint)) {
    const range = { start: prefix, end: Buffer.concat([prefix, AFTER]), limit: MOST_LOOKED_AT };
    for (const { value } of looks.getRange(range)) {
      const other = value as { readonly documentId: string; readonly look: string };
      if (other.documentId === documentId) continue;
      const theirs = Buffer.from(other.look, 'base64').subarray(8);
      const same = sameText(fingerprint, theirs);
      if ((same || equalBits(fingerprint, theirs) >= leastEqualBits) && counts(other.documentId))
        return { documentId: other.documentId, same };
    }
  }
  return undefined;
};
