/** Holds a value against a zod schema, in words that a model and a person can act on. Pure. */
import { z } from 'zod';
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { toError } from '../../schemas/errors.ts';
import { jsonOrText } from '../../schemas/json-or-text.ts';

const MAX_ISSUES = 5;

/** What is wrong with a value; null where it fits. */
export const wrongOf = (schema: z.ZodType, value: unknown): string | null => {
  try {
    const parsed = schema.safeParse(value);
    if (parsed.success) return null;
    return parsed.error.issues
      .slice(0, MAX_ISSUES)
      .map((issue) => `${issue.path.join('.') || 'the value'}: ${issue.message}`)
      .join('; ');
  } catch (error) {
    return `the schema could not check it: ${toError(error).message}`;
  }
};

const FENCE = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/;

/** A model's answer as the agent's output: JSON of its shape, fenced or not; the text alone where the agent promises no shape. */
export const readOutput = (
  agent: AgentDefinition,
  text: string,
): { readonly value: JsonValue | undefined; readonly wrong: string | null } => {
  if (!agent.output) return { value: undefined, wrong: null };
  let value: JsonValue;
  try {
    value = JSON.parse(FENCE.exec(text)?.[1] ?? text) as JsonValue;
  } catch {
    return { value: undefined, wrong: 'it is not JSON' };
  }
  return { value, wrong: wrongOf(agent.output, value) };
};

/** A task's text as the agent's input, with its defaults; the text itself where the agent takes any. */
export const readInput = (
  agent: AgentDefinition,
  text: string,
): { readonly value: unknown; readonly wrong: string | null } => {
  if (!agent.input) return { value: text, wrong: null };
  const value = jsonOrText(text);
  const wrong = wrongOf(agent.input, value);
  return wrong === null ? { value: agent.input.parse(value), wrong } : { value, wrong };
};

/** Why a task's text is no input of the agent, and what would be; null where it is one. */
export const wrongInputOf = (agent: AgentDefinition, text: string): string | null => {
  if (!agent.input) return text.trim() === '' ? 'the input is empty: say what the agent is to do' : null;
  const { wrong } = readInput(agent, text);
  return wrong === null
    ? null
    : `the input does not fit: ${wrong}; ${agent.name} takes JSON of this schema: ${schemaTextOf(agent.input)}`;
};

const MAX_SCHEMA_CHARACTERS = 2_000;

const schemaTextOf = (schema: z.ZodType): string => {
  try {
    const { $schema: _, ...shape } = z.toJSONSchema(schema, { io: 'input' });
    return JSON.stringify(shape).slice(0, MAX_SCHEMA_CHARACTERS);
  } catch {
    return 'one that JSON Schema cannot say';
  }
};
