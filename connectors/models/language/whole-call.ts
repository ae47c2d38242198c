/**
 * A tool call in whole characters: its name is journaled in words of its own, where half of one would be read as another, and
 * providers refuse to be told of arguments that hold one.
 */
import { wellFormed } from '../../../schemas/well-formed.ts';
import type { JsonValue, ToolCall } from './language-model.ts';

export const wholeCall = ({ id, name, arguments: given }: ToolCall): ToolCall => ({
  id: wellFormed(id),
  name: wellFormed(name),
  arguments: wholeValue(given),
});

const wholeValue = (value: JsonValue): JsonValue => {
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(wholeValue);
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [wellFormed(name), wholeValue(each)]),
  );
};
