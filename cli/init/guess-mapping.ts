/** Which columns of a table are probably its title, its text, its tenant and what one filters by. A person looks it over. Pure. */
import type { SurveyColumn, SurveyTable } from '../../connectors/sources/source-survey.ts';

export interface MappingGuess {
  /** Absent: the primary key stands for it. */
  readonly title: SurveyColumn | undefined;
  readonly text: readonly SurveyColumn[];
  /** Absent: all rows belong to one tenant. */
  readonly tenant: SurveyColumn | undefined;
  readonly metadata: readonly SurveyColumn[];
  /** Columns whose names say that they are nobody else's business: in nothing of the above. */
  readonly left: readonly string[];
}

const PRIVATE =
  /(?:^|_)(?:pass(?:word|wd)?|pwd|secret|token|api_?key|hash|salt|otp|ssn|iban|cvv|card_?number|e?mail|phone|mobile|fax|birth\w*|dob|ip_?address)(?:_|$)|password/;
const TITLES = [
  /^(?:title|name|subject|headline|heading|label|caption)$/,
  /(?:^|_)(?:title|name|subject|headline)$/,
  /^(?:question|slug|code|sku)$/,
];
const TEXTS =
  /(?:^|_)(?:body|content|contents|text|description|summary|notes?|comments?|message|answer|details?|abstract|bio|article|transcript|review|markdown|html|reason|remarks?)(?:_|$)/;
const TENANTS = [
  /^tenant(?:_id|_key|_name)?$/,
  /^(?:org|organi[sz]ation|workspace|account|company|team)(?:_id|_slug)$/,
  /^(?:org|organi[sz]ation|workspace|company)$/,
];
const FILTERS =
  /(?:^|_)(?:status|state|category|type|kind|language|lang|locale|severity|priority|country|region|currency|level|role|visibility|stage|channel)$/;

const MOST_TEXTS = 4;
const MOST_METADATA = 8;
/** Longer than this, a column is something to read rather than something to filter by. */
const SHORT = 255;

const plain = (name: string): string => name.replace(/([a-z\d])([A-Z])/g, '$1_$2').toLowerCase();
const isText = ({ kind }: SurveyColumn): boolean => kind === 'text';
const isLong = (column: SurveyColumn): boolean =>
  isText(column) && (column.maxLength === undefined || column.maxLength > SHORT);

const firstBy = (columns: readonly SurveyColumn[], patterns: readonly RegExp[]): SurveyColumn | undefined =>
  patterns
    .map((pattern) => columns.find(({ name }) => pattern.test(plain(name))))
    .find((found) => found !== undefined);

/** Undefined where the table holds nothing to read: keys and numbers that tie other tables together. */
export const guessMapping = (table: SurveyTable): MappingGuess | undefined => {
  const usable = table.columns.filter(({ name }) => !PRIVATE.test(plain(name)));
  const left = table.columns.filter((column) => !usable.includes(column)).map(({ name }) => name);
  const others = usable.filter(({ name }) => !table.primaryKey.includes(name));
  const tenant = firstBy(
    usable.filter(({ kind }) => ['text', 'uuid', 'integer', 'bigint'].includes(kind)),
    TENANTS,
  );
  const readable = others.filter((column) => isText(column) && column !== tenant);
  const isFilter = ({ name }: SurveyColumn): boolean => FILTERS.test(plain(name));
  const named = firstBy(readable, TITLES);
  const speaking = readable.filter(
    (column) => column !== named && !isFilter(column) && (TEXTS.test(plain(column.name)) || isLong(column)),
  );
  const byName = speaking.filter(({ name }) => TEXTS.test(plain(name)));
  const text = (byName.length > 0 ? byName : speaking).slice(0, MOST_TEXTS);
  const title = named ?? readable.find((column) => !text.includes(column) && !isFilter(column));
  const taken = [tenant, title, ...text];
  if (title === undefined && text.length === 0) return undefined;
  const metadata = others
    .filter((column) => !taken.includes(column))
    .filter(
      (column) =>
        isFilter(column) ||
        column.kind === 'boolean' ||
        (['integer', 'bigint', 'uuid'].includes(column.kind) && /_id$/.test(plain(column.name))),
    )
    .slice(0, MOST_METADATA);
  return { title, text: text.length > 0 ? text : title ? [title] : [], tenant, metadata, left };
};
