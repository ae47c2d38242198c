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

export const isObject = (value: JsonValue): value is { readonly [key: string]: JsonValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As a provider is told of it: arguments that are no object were refused, and providers refuse to be told of them as anything else. */
export const toldCall = (
  call: ToolCall,
): ToolCall & { readonly arguments: { readonly [key: string]: JsonValue } } => {
  const { arguments: given, ...whole } = wholeCall(call);
  return { ...whole, arguments: isObject(given) ? given : { value: given } };
};

const wholeValue = (value: JsonValue): JsonValue => {
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(wholeValue);
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [wellFormed(name), wholeValue(each)]),
  );
};
