/**
 * What a person sees of a large input or output at a glance: a value of the same shape with long texts and lists cut short, so that
 * whoever shows the whole can show this. Pure.
 */
import { shortenedTo } from './cut-text.ts';

/** Of JSON. */
export const GLANCE_CHARACTERS = 4_000;
/** Above it the text is not read as JSON: its beginning is shown. */
const MAX_PARSED_CHARACTERS = 8 * 1024 * 1024;
const MAX_DEPTH = 6;

interface Bounds {
  readonly characters: number;
  readonly items: number;
}

/** Tried in order, until it fits. */
const BOUNDS: readonly Bounds[] = [
  { characters: 600, items: 20 },
  { characters: 200, items: 12 },
  { characters: 80, items: 8 },
  { characters: 40, items: 4 },
];

/** JSON of at most GLANCE_CHARACTERS; of a text that is no JSON, its beginning as a JSON string. */
export const glanceOf = (text: string): string => {
  const value = parsed(text);
  for (const bounds of value === undefined ? [] : BOUNDS) {
    const glance = JSON.stringify(shortened(value, bounds, 0));
    if (glance.length <= GLANCE_CHARACTERS) return glance;
  }
  // Escapes make of a character six at most.
  return JSON.stringify(shortenedTo(text, Math.floor(GLANCE_CHARACTERS / 6) - 10));
};

/** Undefined where it is no JSON, or too much of it. */
const parsed = (text: string): unknown => {
  if (text.length > MAX_PARSED_CHARACTERS) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

const shortened = (value: unknown, bounds: Bounds, depth: number): unknown => {
  if (typeof value === 'string') return shortenedTo(value, bounds.characters);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value))
    return value.slice(0, bounds.items).map((each) => shortened(each, bounds, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 2 * bounds.items)
      .map(([key, each]) => [shortenedTo(key, 80), shortened(each, bounds, depth + 1)]),
  );
};
