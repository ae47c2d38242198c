/**
 * Keys under which refused documents are found by whose they are: tenant and source, then version, then document, so that a
 * tenant's refusals of a source stand in the order of their versions. Tenants are hashed, so no key shows their names.
 */
import { createHash } from 'node:crypto';
import type { Document } from '../../schemas/records.ts';
import type { RefusedStanding } from './document-table.ts';
import type { TableFiles } from './table-files.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest().subarray(0, 16);
const placeOf = (tenant: string, source: string): Buffer => digest(JSON.stringify([tenant, source]));
/** Above every byte of a version. */
const AFTER = Buffer.from([0xff]);

const keyOf = (place: Buffer, version: string, documentId: string): Buffer =>
  Buffer.concat([place, Buffer.from(version), digest(documentId)]);

/** What a standing keeps so that the key can be taken away again. A refusal that left no tenant is nobody's to be told of. */
export const refusalOf = ({ kind, tenant, source }: Document): string | undefined =>
  kind === 'refused' && tenant !== null ? placeOf(tenant, source).toString('base64') : undefined;

export const putRefusal = ({ refusals }: TableFiles, place: string, record: Document): void => {
  const { documentId, table, version, reason } = record;
  const standing: RefusedStanding = { documentId, table, version, reason: reason ?? '' };
  refusals.putSync(keyOf(Buffer.from(place, 'base64'), version, documentId), standing);
};

export const removeRefusal = (
  { refusals }: TableFiles,
  place: string,
  version: string,
  documentId: string,
): void => {
  refusals.removeSync(keyOf(Buffer.from(place, 'base64'), version, documentId));
};

/** Newest version first. */
export const listRefusals = function* (
  { refusals }: TableFiles,
  tenant: string,
  source: string,
): Iterable<RefusedStanding> {
  const place = placeOf(tenant, source);
  const range = { start: Buffer.concat([place, AFTER]), end: place, reverse: true };
  for (const { value } of refusals.getRange(range)) yield value as RefusedStanding;
};
