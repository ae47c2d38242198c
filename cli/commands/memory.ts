/** `freshet memory show|forget|repair`: what agents remember, and how it is undone. */
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { type Consent, consent, withConsent } from '../consent.ts';
import { createOutput, oneLine, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface ShownMemory {
  readonly memoryId: string;
  readonly kind: string;
  readonly agent: string;
  readonly sessionId: string | null;
  readonly title: string;
  readonly text: string;
  readonly origin: string;
  readonly uses: number;
  readonly at: string | null;
  readonly places: readonly string[];
}

interface ShownSession {
  readonly tenant: string;
  readonly agent: string;
  readonly sessionId: string;
  readonly whole?: boolean;
  readonly turns: readonly {
    readonly executionId: string;
    readonly place: string;
    readonly at: string | null;
    readonly question: string;
    readonly answer: string;
    readonly origin: string;
  }[];
}

interface Remembered {
  readonly held: number;
  readonly memories: readonly ShownMemory[];
  readonly sessions: readonly ShownSession[];
}

interface Forgotten {
  readonly dryRun: boolean;
  readonly memories: readonly string[];
  readonly sessions: readonly (Omit<ShownSession, 'turns'> & { readonly turns: number })[];
  readonly more: boolean;
}

interface Repaired {
  readonly dryRun: boolean;
  readonly memories: readonly ShownMemory[];
  readonly sessions: readonly ShownSession[];
  readonly decisions: readonly {
    readonly executionId: string;
    readonly agent: string;
    readonly step: number;
    readonly position: string;
    readonly used: readonly string[];
  }[];
  readonly more: boolean;
}

interface Whose {
  readonly agent?: string;
  readonly tenant?: string;
  readonly session?: string;
}

const withWhose = (command: Command): Command =>
  command
    .option('--agent <agent>', 'of this agent')
    .option('--tenant <tenant>', 'of this tenant')
    .option('--session <id>', 'of this session');

const whoseOf = ({ agent, tenant, session }: Whose) => ({
  ...(agent === undefined ? {} : { agent }),
  ...(tenant === undefined ? {} : { tenant }),
  ...(session === undefined ? {} : { session }),
});

const memoriesShown = (memories: readonly ShownMemory[]): string =>
  table(
    ['memory', 'kind', 'agent', 'origin', 'uses', 'learned', 'says', 'written by'],
    memories.map(({ memoryId, kind, agent, origin, uses, at, title, places }) => [
      ...[memoryId, kind, agent, origin, String(uses), at ?? '–', oneLine(title, 60)],
      places.at(-1) ?? '–',
    ]),
  );

const sessionShown = ({ agent, sessionId, whole, turns }: ShownSession): string =>
  [
    `session ${sessionId} of ${agent}${whole === false ? '  (being read from the journal again: turns may be missing)' : ''}`,
    ...turns.flatMap(({ at, place, question, answer, origin }) => [
      `  ${at ?? '–'}  ${place}`,
      `    asked     ${oneLine(question, 110)}`,
      `    answered  ${oneLine(answer, 110)}  (${origin})`,
    ]),
  ].join('\n');

const paragraphs = (parts: readonly string[]): string => parts.filter((part) => part !== '').join('\n\n');

export const addMemoryCommands = (freshet: Command, surroundings: Surroundings): void => {
  const noun = freshet.command('memory').description('what agents remember');
  withWhose(noun.command('show'))
    .description('long-term memories, newest first, and sessions with their turns')
    .option('--limit <n>', 'how many memories', '20')
    .option('--json', 'JSON')
    .action(async ({ limit, json, ...whose }: Whose & { limit: string; json?: boolean }) => {
      const query = { limit, ...whoseOf(whose) };
      const held = await gatewayOf(surroundings).get<Remembered>('/v1/memory', query);
      createOutput(json ?? false).print(held, ({ memories, sessions }) =>
        memories.length + sessions.length === 0
          ? 'nothing is remembered'
          : paragraphs([
              memories.length === 0 ? '' : memoriesShown(memories),
              held.held > memories.length ? `${held.held - memories.length} more; --limit shows them` : '',
              ...sessions.map(sessionShown),
            ]),
      );
    });

  withConsent(withWhose(noun.command('forget [memories...]')), { yes: 'required', needsReason: true })
    .description(
      'named memories, a session, or all of an agent: gone, and never learned from the journal again',
    )
    .action(async (memoryIds: string[], options: Whose & Consent) => {
      const named = memoryIds.length > 0;
      if (!named && options.agent === undefined)
        throw new FreshetError(
          'usage',
          'name memories, or say whose by --agent, with --session for one alone',
        );
      const reason = consent('forget', options);
      const done = await gatewayOf(surroundings).post<Forgotten>('/v1/memory/forget', {
        ...whoseOf(options),
        ...(named ? { memoryIds } : {}),
        reason,
        dryRun: options.dryRun ?? false,
      });
      const verb = done.dryRun ? 'would forget' : 'forgot';
      createOutput(options.json ?? false).print(done, ({ memories, sessions, more }) =>
        [
          ...memories.map((id) => `${verb}  ${id}`),
          ...sessions.map(
            ({ agent, sessionId, turns }) => `${verb}  session ${sessionId} of ${agent}, ${turns} turns`,
          ),
          ...(memories.length + sessions.length === 0 ? ['nothing matches'] : []),
          ...(more ? ['there is more: run it again'] : []),
        ].join('\n'),
      );
    });

  withConsent(noun.command('repair'), { yes: 'required', needsReason: true })
    .description('undo what a stretch of the journal wrote into memory, and list the decisions that used it')
    .requiredOption('--from <topic:partition:offset>', 'the first event, such as freshet.agent-events:3:17')
    .requiredOption('--to <offset>', 'the last one, itself included')
    .option('--tenant <tenant>', 'of this tenant')
    .action(async (options: Consent & { from: string; to: string; tenant?: string }) => {
      const reason = consent('repair', options);
      const done = await gatewayOf(surroundings).post<Repaired>('/v1/memory/repair', {
        ...{ from: options.from, to: options.to, reason },
        ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
        dryRun: options.dryRun ?? false,
      });
      createOutput(options.json ?? false).print(done, ({ memories, sessions, decisions, more, dryRun }) =>
        paragraphs([
          `${dryRun ? 'would undo' : 'undid'} ${memories.length} memories and ${sessions.reduce((sum, { turns }) => sum + turns.length, 0)} turns of ${sessions.length} sessions`,
          memories.length === 0 ? '' : memoriesShown(memories),
          ...sessions.map(sessionShown),
          decisions.length === 0
            ? 'no decision used them'
            : table(
                ['execution', 'agent', 'step', 'at', 'was given'],
                decisions.map(({ executionId, agent, step, position, used }) => [
                  ...[executionId, agent, String(step), position],
                  used.join(' '),
                ]),
              ),
          more ? 'the journal goes on beyond what was searched: later decisions may be missing' : '',
        ]),
      );
    });
};
