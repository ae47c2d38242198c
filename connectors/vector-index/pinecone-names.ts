/** Tenants and tags as Pinecone takes them: printable, of bounded length, and two of ours are never one of theirs. Pure. */
import { createHash } from 'node:crypto';
import type { VectorRow } from './vector-index.ts';

const LONGEST_NAME = 120;
const LONGEST_TAG_BYTES = 200;
/** Of one record; Pinecone's limit is 40 KB. Above it every tag goes by its digest. */
const METADATA_BYTES = 36 * 1024;

const digestOf = (text: string): string =>
  createHash('sha256').update(text, 'utf16le').digest('hex').slice(0, 40);

/** Letters, digits, dash and underscore stay; everything else becomes a dot and the hexadecimal UTF-16 unit, four digits. */
const escaped = (text: string): string =>
  text.replace(/[^A-Za-z0-9_-]/g, (unit) => `.${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** One namespace a tenant: `t-` its escaped name, or `h-` the digest of a long one. */
export const namespaceOf = (prefix: string, tenant: string): string => {
  const name = escaped(tenant);
  return `${prefix}.${name.length <= LONGEST_NAME ? `t-${name}` : `h-${digestOf(tenant)}`}`;
};

export const isNamespaceOf = (prefix: string, namespace: string): boolean =>
  namespace.startsWith(`${prefix}.t-`) || namespace.startsWith(`${prefix}.h-`);

const plainTag = (tag: string): string => `=${tag}`;
const shortTag = (tag: string): string => `#${digestOf(tag)}`;

/** Of `<prefix>-<number>` as a prefix: the number. Undefined where the namespace is of something else. */
export const generationOf = (prefix: string, namespace: string): number | undefined => {
  if (!namespace.startsWith(`${prefix}-`)) return undefined;
  const [, number] = /^([1-9]\d{0,14})\.[th]-/.exec(namespace.slice(prefix.length + 1)) ?? [];
  return number === undefined ? undefined : Number(number);
};

export interface PineconeMetadata {
  readonly [name: string]: string[];
  readonly tags: string[];
}

/** What is stored of a row's tags: readable ones as they are, long ones by digest, all by digest where they are many. */
export const metadataOf = (row: Pick<VectorRow, 'tags'>): PineconeMetadata => {
  const tags = row.tags.map((tag) =>
    Buffer.byteLength(tag) <= LONGEST_TAG_BYTES ? plainTag(tag) : shortTag(tag),
  );
  const bytes = Buffer.byteLength(JSON.stringify(tags));
  return { tags: bytes <= METADATA_BYTES ? tags : row.tags.map(shortTag) };
};

/** Every tag must be there, in whichever of its two forms. */
export const filterOf = (tags: readonly string[]): object | undefined =>
  tags.length === 0
    ? undefined
    : { $and: tags.map((tag) => ({ tags: { $in: [plainTag(tag), shortTag(tag)] } })) };
