/** What agents remember: shown, forgotten by a person, and undone where a stretch of the journal should not have been written. */
import { z } from 'zod';
import { findMemories } from '../../agents/memory/find-memories.ts';
import { forgetAgent, forgetMemories, forgetSession } from '../../agents/memory/forget-memories.ts';
import { findRepair, undoRepair } from '../../agents/memory/repair-memories.ts';
import { partitionOfKey } from '../../connectors/kafka/partition-of-key.ts';
import type { SessionKey, SessionStore } from '../../connectors/redis/session-store.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { SessionTurn } from '../../schemas/recollection.ts';
import type { Audit, Memory } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { auditRecord } from '../audit-record.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { line, ofRemoval, tenant, wholeNumber } from '../http/fields.ts';
import { tenantOf, visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { isoTime } from '../views/times.ts';

/** Sessions whose turns are shown at once. */
const SESSIONS_SHOWN = 20;
const MOST_FORGOTTEN = 10_000;
const JOURNAL = TOPICS.agentEvents.name;

const agentName = line(41);
const sessionId = line(200);
const origin = z.string().describe('user, model, retrieved or tool: the least trusted it was made from.');

const memorySchema = z.object({
  memoryId: z.string(),
  kind: z.string().describe('summary, behaviour or fact.'),
  tenant: z.string(),
  agent: z.string(),
  sessionId: z.string().nullable(),
  title: z.string(),
  text: z.string(),
  origin,
  uses: z.number(),
  createdAt: z.string().nullable(),
  at: z.string().nullable(),
  expiresAt: z.string().nullable(),
  executionId: z.string().nullable(),
  places: z.array(z.string()).describe('What of the journal wrote it: topic:partition:from-to.'),
  madeBy: z.string().nullable(),
});
const shownMemory = (memory: Memory) => {
  const { state: _, reason, places, createdAt, at, expiresAt, ...rest } = memory;
  return {
    ...rest,
    ...{ createdAt: isoTime(createdAt), at: isoTime(at), expiresAt: isoTime(expiresAt) },
    places: places.map(({ topic, partition, from, to }) => `${topic}:${partition}:${from}-${to}`),
    madeBy: reason,
  };
};

const turnSchema = z.object({
  executionId: z.string(),
  place: z.string(),
  at: z.string().nullable(),
  question: z.string(),
  answer: z.string(),
  origin,
});
const shownTurn = ({ place, at, ...turn }: SessionTurn) => ({
  ...turn,
  at: isoTime(at),
  place: `${place.topic}:${place.partition}:${place.offset}`,
});

const sessionSchema = z.object({ tenant: z.string(), agent: z.string(), sessionId: z.string() });

const rangeOf = (from: string, to: string) => {
  const [, topic, partition, first] = /^(.+):(\d{1,9}):(\d{1,15})$/.exec(from) ?? [];
  const [, last] = /^(?:.+:)?(\d{1,15})$/.exec(to) ?? [];
  const range = { partition: Number(partition), from: Number(first), to: Number(last) };
  if (topic !== JOURNAL || last === undefined || range.to < range.from)
    throw new FreshetError(
      'request-invalid',
      `from is ${JOURNAL}:partition:offset, and to an offset of the same partition, not before it`,
    );
  return range;
};

export const memoryRoutes = ({ settings }: GatewayContext) => {
  const { kafka, codec, writer, clock, config } = settings;
  const sessionStore = (): SessionStore => {
    if (settings.sessions) return settings.sessions;
    throw new FreshetError('unavailable', 'this gateway was started without Redis; give it --redis <url>');
  };
  const turnsOf = async (key: SessionKey) => {
    const partition = partitionOfKey(Buffer.from(key.sessionId), TOPICS.agentEvents.partitions);
    const { whole, turns } = await sessionStore().read(key, partition);
    return { ...key, whole, turns: turns.map(shownTurn) };
  };
  /** An agent that forgets is told who asked; the audit stands before anything is done. */
  const audited = (facts: Pick<Audit, 'action' | 'by' | 'targets' | 'reason' | 'tenant'>) =>
    writer.append([auditRecord(codec, { at: clock(), ...facts })]);

  return [
    route({
      method: 'GET',
      path: '/v1/memory',
      tag: 'memory',
      summary:
        'What agents of a tenant remember: long-term memories, newest first, and sessions with their turns',
      query: z.strictObject({
        limit: wholeNumber(1, 1_000, 50),
        agent: agentName.optional(),
        tenant: tenant.optional(),
        session: sessionId.optional(),
      }),
      answers: [
        {
          ...{ status: 200, description: 'Memories and sessions.' },
          schema: z.object({
            held: z.number().describe('Long-term memories that match.'),
            memories: z.array(memorySchema),
            sessions: z
              .array(
                sessionSchema.extend({
                  whole: z.boolean().describe('False while turns are being read from the journal again.'),
                  turns: z.array(turnSchema),
                }),
              )
              .describe(`At most ${SESSIONS_SHOWN}.`),
          }),
        },
      ],
      errors: ['kafka-unavailable', 'unavailable'],
      handle: async ({ query, principal }) => {
        const asked = tenantOf(principal, query.tenant, config.localTenant);
        const { agent, session } = query;
        const memories = await findMemories(settings, {
          tenant: asked,
          ...(agent === undefined ? {} : { agent }),
          ...(session === undefined ? {} : { sessionId: session }),
        });
        const wanted = (key: SessionKey): boolean =>
          key.tenant === asked &&
          (agent === undefined || key.agent === agent) &&
          (session === undefined || key.sessionId === session);
        const keys = await sessionStore().list(wanted, SESSIONS_SHOWN);
        return {
          held: memories.length,
          memories: memories.slice(0, query.limit).map(shownMemory),
          sessions: await Promise.all(keys.map(turnsOf)),
        };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/memory/forget',
      tag: 'memory',
      summary:
        'Forgets named memories, a session with its summaries, or everything of an agent in a tenant, for good',
      body: z
        .strictObject({
          agent: agentName.optional(),
          tenant: tenant.optional(),
          session: sessionId.optional(),
          memoryIds: z.array(line(200)).min(1).max(1_000).optional(),
          ...ofRemoval,
        })
        .refine(
          ({ agent, memoryIds }) => agent !== undefined || memoryIds !== undefined,
          'give agent or memoryIds',
        )
        .refine(
          ({ session, memoryIds }) => session === undefined || memoryIds === undefined,
          'give session or memoryIds',
        ),
      answers: [
        {
          ...{ status: 200, description: 'What was forgotten, or would be.' },
          schema: z.object({
            dryRun: z.boolean(),
            memories: z.array(z.string()),
            sessions: z.array(sessionSchema.extend({ turns: z.number() })),
            more: z.boolean().describe('There is more than one request forgets: ask again.'),
          }),
        },
      ],
      errors: ['not-found', 'append-failed', 'kafka-unavailable', 'unavailable'],
      handle: async ({ body, principal }) => {
        const { agent, session, memoryIds, reason, dryRun } = body;
        const asked = tenantOf(principal, body.tenant, config.localTenant);
        const ids = memoryIds && new Set(memoryIds);
        const find = () =>
          findMemories(settings, {
            tenant: asked,
            ...(agent === undefined ? {} : { agent }),
            ...(session === undefined ? {} : { sessionId: session }),
            matches: ({ memoryId }) => !ids || ids.has(memoryId),
          });
        let found = await find();
        if (ids && found.length === 0) throw new FreshetError('not-found', 'there are no such memories');
        let memories = found.slice(0, MOST_FORGOTTEN);
        // One that was named is forgotten even where Redis holds nothing of it: the journal may.
        const keys =
          ids || agent === undefined
            ? []
            : session !== undefined
              ? [{ tenant: asked, agent, sessionId: session }]
              : await sessionStore().list(
                  (key) => key.tenant === asked && key.agent === agent,
                  MOST_FORGOTTEN,
                );
        // Redis may have lost sessions that the journal would bring back: all of the agent are cut by one word.
        const whole =
          agent !== undefined && !ids && session === undefined ? { tenant: asked, agent } : undefined;
        const targets = [
          ...(whole ? [`every session of ${whole.agent}`] : []),
          ...memories.map(({ memoryId }) => memoryId),
          ...keys.map((key) => `session ${key.agent}/${key.sessionId}`),
        ];
        const sessions = [];
        if (dryRun)
          for (const key of keys) sessions.push({ ...key, turns: (await turnsOf(key)).turns.length });
        else if (targets.length > 0) {
          await audited({ action: 'memory forget', by: principal.name, targets, reason, tenant: asked });
          const deps = { kafka, codec, writer, clock, sessions: sessionStore() };
          const counts = whole && (await forgetAgent(deps, whole, keys, reason));
          for (const [at, key] of keys.entries())
            sessions.push({ ...key, turns: counts?.[at] ?? (await forgetSession(deps, key, reason)) });
          // Behind the cuts: a session that was summarised while they were written is forgotten with its summary, and none comes after.
          if (whole || keys.length > 0) {
            found = await find();
            memories = found.slice(0, MOST_FORGOTTEN);
          }
          await forgetMemories(settings, memories, reason);
        }
        const more = found.length > memories.length || keys.length >= MOST_FORGOTTEN;
        return { dryRun, memories: memories.map(({ memoryId }) => memoryId), sessions, more };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/memory/repair',
      tag: 'memory',
      summary: 'Undoes what a stretch of the journal wrote into memory, and lists the decisions that used it',
      body: z.strictObject({
        from: line(300).describe(`${JOURNAL}:partition:offset`),
        to: line(300).describe('The last offset, itself included.'),
        tenant: tenant.optional(),
        ...ofRemoval,
      }),
      answers: [
        {
          ...{ status: 200, description: 'What was undone, or would be.' },
          schema: z.object({
            dryRun: z.boolean(),
            memories: z.array(memorySchema),
            sessions: z.array(sessionSchema.extend({ turns: z.array(turnSchema) })),
            decisions: z
              .array(
                z.object({
                  executionId: z.string(),
                  taskId: z.string(),
                  agent: z.string(),
                  tenant: z.string().nullable(),
                  step: z.number(),
                  position: z.string(),
                  used: z.array(z.string()).describe('Memories, and executions whose turns it was given.'),
                }),
              )
              .describe('Executions that were given what is undone.'),
            more: z.boolean().describe('The journal goes on beyond what was searched for decisions.'),
          }),
        },
      ],
      errors: ['append-failed', 'kafka-unavailable', 'unavailable'],
      handle: async ({ body, principal }) => {
        const range = rangeOf(body.from, body.to);
        const { reason, dryRun } = body;
        const deps = { kafka, codec, writer, clock, sessions: sessionStore() };
        const of = visibleTenant(principal, body.tenant) ?? null;
        const repair = await findRepair({ ...deps, localTenant: config.localTenant }, range, of ?? undefined);
        const { memories, sessions, decisions, more } = repair;
        if (!dryRun && repair.touched.length + memories.length > 0) {
          const targets = [
            `${JOURNAL}:${range.partition}:${range.from}-${range.to}`,
            ...memories.map(({ memoryId }) => memoryId),
          ];
          await audited({ action: 'memory repair', by: principal.name, targets, reason, tenant: of });
          await undoRepair(deps, range, repair, reason);
        }
        return {
          dryRun,
          memories: memories.map(shownMemory),
          sessions: sessions.map(({ session, turns }) => ({ ...session, turns: turns.map(shownTurn) })),
          decisions,
          more,
        };
      },
    }),
  ];
};
