/** Files that gates are tried on: JSON, one array or a value a line; else plain text, as a .txt or .md file always is. */
import type { Draft } from '../pipelines/index-documents/draft.ts';
import type { Row } from '../schemas/config.ts';
import { FreshetError, toError } from '../schemas/errors.ts';

const isCalledJson = (file: string): boolean => /\.(json|ndjson|jsonl)$/i.test(file);
const isCalledText = (file: string): boolean => /\.(txt|md)$/i.test(file);

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

const objectsOf = (values: readonly unknown[], file: string): readonly Readonly<Record<string, unknown>>[] =>
  values.map((value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new FreshetError('usage', `${file}: value ${at + 1} is no object`);
    return value as Readonly<Record<string, unknown>>;
  });

export const rowsIn = (content: string, file: string): readonly Row[] =>
  objectsOf(valuesIn(content, file), file) as readonly Row[];

const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

/** Null: a plain text. One may begin with a bracket too, so where no name says that it is JSON, parsing it decides. */
const jsonIn = (content: string, file: string): readonly unknown[] | null => {
  if (isCalledJson(file)) return valuesIn(content, file);
  if (isCalledText(file) || !/^\s*[[{]/.test(content)) return null;
  try {
    return valuesIn(content, file);
  } catch {
    return null;
  }
};

/** Objects with title, text, tenant and metadata; a plain text is one document. */
export const draftsIn = (content: string, file: string, tenant: string): readonly Draft[] => {
  const values = jsonIn(content, file);
  if (!values) return [{ title: '', text: content, tenant, metadata: {} }];
  return objectsOf(values, file).map((each) => ({
    title: text(each.title),
    text: text(each.text),
    tenant: each.tenant === undefined ? tenant : text(each.tenant),
    metadata: Object.fromEntries(
      Object.entries((each.metadata ?? {}) as Record<string, unknown>).map(([name, value]) => [
        name,
        text(value),
      ]),
    ),
  }));
};
