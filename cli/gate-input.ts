/** Files that gates are tried on: JSON, one array or a value a line; else plain text. */
import type { Draft } from '../pipelines/index-documents/draft.ts';
import type { Row } from '../schemas/config.ts';
import { FreshetError, toError } from '../schemas/errors.ts';

const looksLikeJson = (content: string, file: string): boolean =>
  /\.(json|ndjson|jsonl)$/i.test(file) || /^\s*[[{]/.test(content);

/** The values of an array, or of one a line. Errors: `usage`, with the line. */
const valuesIn = (content: string, file: string): readonly unknown[] => {
  try {
    const whole: unknown = JSON.parse(content);
    return Array.isArray(whole) ? whole : [whole];
  } catch (thrown) {
    const lines = content.split('\n');
    if (lines.filter((line) => line.trim() !== '').length < 2)
      throw new FreshetError('usage', `${file} is no JSON: ${toError(thrown).message}`);
    return lines.flatMap((line, at) => {
      if (line.trim() === '') return [];
      try {
        return [JSON.parse(line) as unknown];
      } catch (error) {
        throw new FreshetError('usage', `${file}, line ${at + 1} is no JSON: ${toError(error).message}`);
      }
    });
  }
};

const objectsIn = (content: string, file: string): readonly Readonly<Record<string, unknown>>[] =>
  valuesIn(content, file).map((value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new FreshetError('usage', `${file}: value ${at + 1} is no object`);
    return value as Readonly<Record<string, unknown>>;
  });

export const rowsIn = (content: string, file: string): readonly Row[] =>
  objectsIn(content, file) as readonly Row[];

const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

/** Objects with title, text, tenant and metadata; a plain text is one document. */
export const draftsIn = (content: string, file: string, tenant: string): readonly Draft[] =>
  looksLikeJson(content, file)
    ? objectsIn(content, file).map((each) => ({
        title: text(each.title),
        text: text(each.text),
        tenant: each.tenant === undefined ? tenant : text(each.tenant),
        metadata: Object.fromEntries(
          Object.entries((each.metadata ?? {}) as Record<string, unknown>).map(([name, value]) => [
            name,
            text(value),
          ]),
        ),
      }))
    : [{ title: '', text: content, tenant, metadata: {} }];
