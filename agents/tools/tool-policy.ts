/** What a tool's retries, cache and fallback come to, what they can cost, and what of them is refused at start. Pure. */
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import type { ToolDefinition } from '../../schemas/agent-definition.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { FETCH_POLICY_SCHEMA } from '../../schemas/fetch-policy.ts';
import { madeOnce } from '../../schemas/made-once.ts';
import { formatUsd, isUsd, type Picodollars, parseUsd } from '../../schemas/money.ts';
import type { ChainPolicy } from './fallback-state.ts';

/** A write is made again only under a key that the outside system honours (I8). */
const retriesOf = (tool: ToolDefinition): number =>
  tool.effect === 'read' || tool.takesIdempotencyKey === true ? (tool.retries ?? 0) : 0;

/**
 * The policy of one tool. Of a write nothing is cached and nothing stands in for it.
 *
 * @param others the agent's tools
 * @param mayCache false: every answer must be the tool's own, as where a task says how fresh its context must be
 */
export const chainPolicyOf = (
  tool: ToolDefinition,
  others: readonly ToolDefinition[],
  mayCache: boolean,
): ChainPolicy => {
  const own = { name: tool.name, retries: retriesOf(tool) };
  if (tool.effect === 'write') return { tools: [own], freshMs: null, stale: false, answer: undefined };
  const standIns = (tool.fallback?.tools ?? []).flatMap((name) => {
    const other = others.find((each) => each.name === name);
    return other?.effect === 'read' ? [{ name, retries: retriesOf(other) }] : [];
  });
  return {
    tools: [own, ...standIns],
    freshMs: mayCache ? (tool.cache?.ttlMs ?? null) : null,
    stale: mayCache && tool.fallback?.cached === true,
    answer: tool.fallback?.answer as JsonValue | undefined,
  };
};

/** What calls of these tools, by name, cost together; null where none of them has a price. */
export const usdOfCalls = (names: readonly string[], tools: readonly ToolDefinition[]): string | null => {
  let sum: Picodollars | null = null;
  for (const name of names) {
    const price = tools.find((each) => each.name === name)?.costUsd;
    if (price !== undefined) sum = (sum ?? 0n) + parseUsd(price);
  }
  return sum === null ? null : formatUsd(sum);
};

const mostUsdByName = madeOnce(
  (tools: readonly ToolDefinition[]): ReadonlyMap<string, string | null> =>
    new Map(tools.map((tool) => [tool.name, mostOf(tool, tools)])),
);

/** The most that one call can cost, with every try of it and of what stands in for it; null: nothing of it has a price. */
export const mostUsdOf = ({ name }: ToolDefinition, tools: readonly ToolDefinition[]): string | null =>
  mostUsdByName(tools).get(name) ?? null;

const mostOf = (tool: ToolDefinition, tools: readonly ToolDefinition[]): string | null =>
  usdOfCalls(
    chainPolicyOf(tool, tools, true).tools.flatMap(({ name, retries }) =>
      Array.from({ length: 1 + retries }, () => name),
    ),
    tools,
  );

/** Refuses what cannot be meant, at start. Errors: `config-invalid`, naming agent and tool. */
export const checkToolPolicies = (agent: string, tools: readonly ToolDefinition[]): void => {
  for (const tool of tools) {
    const refuse = (what: string): never => {
      throw new FreshetError('config-invalid', `agent ${agent}: tool ${tool.name}: ${what}`);
    };
    const { retries = 0, cache, fallback, effect, compensate, compensateUsd } = tool;
    const { costUsd, timeoutMs, maxCalls, subtask } = tool;
    if (costUsd !== undefined && !isUsd(costUsd)) refuse('costUsd is an exact decimal in US dollars');
    if (subtask?.maxUsd !== undefined && !isUsd(subtask.maxUsd))
      refuse('maxUsd of a sub-task is an exact decimal in US dollars');
    if (timeoutMs !== undefined && !(timeoutMs > 0)) refuse('timeoutMs must be above 0');
    if (maxCalls !== undefined && !(Number.isInteger(maxCalls) && maxCalls >= 0))
      refuse('maxCalls must be a whole number');
    if (!Number.isInteger(retries) || retries < 0 || retries > 10)
      refuse('retries must be a whole number from 0 to 10');
    if (cache && !(Number.isFinite(cache.ttlMs) && cache.ttlMs > 0)) refuse('cache.ttlMs must be above 0');
    if (compensateUsd !== undefined && (!compensate || !isUsd(compensateUsd)))
      refuse('compensateUsd is an exact decimal in US dollars, of a tool that says how it is undone');
    const wrong = FETCH_POLICY_SCHEMA.safeParse(tool.fetch ?? {}).error?.issues[0];
    if (wrong) refuse(`${['fetch', ...wrong.path].join('.')}: ${wrong.message}`);
    if (effect === 'write') {
      if (cache || fallback)
        refuse('an effect is neither cached nor stood in for: leave cache and fallback out');
      if (retries > 0 && tool.takesIdempotencyKey !== true)
        refuse(
          'an effect is made again only under its idempotency key: set takesIdempotencyKey, or no retries',
        );
    }
    for (const name of fallback?.tools ?? []) {
      const other = tools.find((each) => each.name === name);
      if (!other) refuse(`its fallback ${name} is no tool of the agent`);
      if (name === tool.name) refuse('it cannot be its own fallback');
      if (other?.effect === 'write') refuse(`its fallback ${name} has an effect: only reads stand in`);
      if (other?.approval)
        refuse(`its fallback ${name} needs an approval: only tools that need none stand in`);
      if (other?.capability !== undefined && other.capability !== tool.capability)
        refuse(
          `its fallback ${name} needs the capability ${other.capability}: only tools that need none, or the same, stand in`,
        );
    }
  }
};
