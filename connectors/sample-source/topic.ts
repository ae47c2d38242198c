import { at, type Random } from './seeded-random.ts';

/** A value of a fact: drawn once per subject and topic, so that all rows that state it agree. */
export type Value = (random: Random) => string;

/**
 * One question that a help centre answers about a subject, with the words to ask and to answer it. Every answer
 * holds `{fact}`: what an answer is checked against.
 */
export type Topic = {
  readonly key: string;
  readonly category: string;
  readonly values: Readonly<Record<string, Value>> & { readonly fact: Value };
  readonly questions: readonly string[];
  readonly titles: readonly string[];
  readonly answers: readonly string[];
  readonly details: readonly string[];
  readonly steps?: readonly string[];
};

/** A number from min to max in steps, with a unit: `range(10, 90, 5, 'days')`. */
export const range =
  (min: number, max: number, step: number, unit = ''): Value =>
  (random) => {
    const value = min + step * random.integer(0, Math.floor((max - min) / step));
    const places = step % 1 === 0 ? 0 : step * 10 === Math.round(step * 10) ? 1 : 2;
    const text = value.toFixed(places);
    return unit === '' ? text : `${text} ${unit}`;
  };

/** A letter and digits, as on a display: `code('E', 2)` gives E07 … E99. */
export const code =
  (prefix: string, digits: number): Value =>
  (random) =>
    `${prefix}${String(random.integer(1, 10 ** digits - 1)).padStart(digits, '0')}`;

/** A release number such as 4.12.3. */
export const release: Value = (random) =>
  `${random.integer(1, 9)}.${random.integer(0, 24)}.${random.integer(0, 9)}`;

export const oneOf =
  (...texts: readonly string[]): Value =>
  (random) =>
    random.pick(texts);

/** A time of day on the quarter hour, from one hour to another. */
export const timeOfDay =
  (fromHour: number, toHour: number): Value =>
  (random) =>
    `${String(random.integer(fromHour, toHour)).padStart(2, '0')}:${at(['00', '15', '30', '45'], random.integer(0, 3))}`;
