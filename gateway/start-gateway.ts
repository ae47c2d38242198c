/** The gateway: HTTP, event streams and the page, over read models that its own consumer group keeps. */

import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import { openPayloadReader } from '../connectors/payloads/payload-reader.ts';
import { schemaText } from '../connectors/registry/record-codec.ts';
import { followCoverage } from '../pipelines/track-freshness/index-coverage.ts';
import { FreshetError, toFreshetError } from '../schemas/errors.ts';
import { AGENTS_GROUP } from '../schemas/groups.ts';
import { ownField } from '../schemas/own-field.ts';
import { refusalOf } from '../schemas/request-guard.ts';
import { TOPICS } from '../schemas/topics.ts';
import { createAdmitTask } from './admit-task.ts';
import { createFindOlder } from './find-older.ts';
import { createFindQuarantined } from './find-quarantined.ts';
import type { GatewayContext, GatewaySettings } from './gateway-context.ts';
import { ALL_HEADERS } from './http/answer-headers.ts';
import { asyncApiOf } from './http/async-api.ts';
import { createEventStreams } from './http/event-stream.ts';
import { openApiOf } from './http/open-api.ts';
import { errorOfRequest, PROBLEM_TYPE, problemOf, retryAfterOf } from './http/problem.ts';
import { registerRoutes } from './http/register-routes.ts';
import { registerMcp } from './mcp/register-mcp.ts';
import { nameTenants } from './named-tenants.ts';
import { fillEnded } from './read-models/fill-ended.ts';
import { foldRecordsInto } from './read-models/fold-records.ts';
import { createLiveMetrics } from './read-models/live-metrics.ts';
import { createReadModels } from './read-models/read-models.ts';
import { readTopics } from './read-models/read-topics.ts';
import { remember } from './remember.ts';
import { reportBreakers } from './report-breakers.ts';
import { agentRoutes } from './routes/agent-routes.ts';
import { auditRoutes } from './routes/audit-routes.ts';
import { behaviourRoutes } from './routes/behaviour-routes.ts';
import { budgetRoutes } from './routes/budget-routes.ts';
import { costRoutes } from './routes/cost-routes.ts';
import { deadLetterRoutes } from './routes/dead-letter-routes.ts';
import { executionRoutes } from './routes/execution-routes.ts';
import { freshnessRoutes } from './routes/freshness-routes.ts';
import { registerHealth } from './routes/health-routes.ts';
import { killRoutes } from './routes/kill-routes.ts';
import { memoryRoutes } from './routes/memory-routes.ts';
import { modelLaneRoutes } from './routes/model-lane-routes.ts';
import { registerPage } from './routes/page-routes.ts';
import { payloadRoutes } from './routes/payload-routes.ts';
import { quarantineRoutes } from './routes/quarantine-routes.ts';
import { replayRoutes } from './routes/replay-routes.ts';
import { safetyRoutes } from './routes/safety-routes.ts';
import { searchRoutes } from './routes/search-routes.ts';
import { sourceRoutes } from './routes/source-routes.ts';
import { statusRoutes } from './routes/status-routes.ts';
import { taskEventRoutes } from './routes/task-event-routes.ts';
import { taskRoutes } from './routes/task-routes.ts';
import { taskSignalRoutes } from './routes/task-signal-routes.ts';
import { verifyRoutes } from './routes/verify-routes.ts';
import { withdrawRoutes } from './routes/withdraw-routes.ts';
import { reportStatus } from './status-report.ts';
import { createSubmitTask } from './submit-task.ts';
import { sweepControl } from './sweep-control.ts';
import { safetyViewOf } from './views/safety-view.ts';
import { standingState } from './views/standing-state.ts';
import { watchAgents } from './watch-agents.ts';
import { watchRollouts } from './watch-rollouts.ts';

export interface Gateway {
  readonly url: string;
  /** Null: ready. Otherwise what it waits for. */
  notReady(): string | null;
  close(): Promise<void>;
}

const BODY_LIMIT = 1024 * 1024;
/** An id of 256 characters of any language, as an address has it. */
const MAX_PARAMETER = 2_400;
const FRESHNESS_FOR_MS = 900;
const STATUS_FOR_MS = 1_000;
const BREAKERS_FOR_MS = 1_000;
const FILL_AGAIN_MS = 5_000;
const VERSION = '0.1.0';

/** Resolves when it listens; it is ready when its read models have caught up. Errors: `kafka-unavailable`, `port-in-use`. */
export const startGateway = async (given: GatewaySettings): Promise<Gateway> => {
  const { kafka, writer, config, clock, metrics } = given;
  const codec = nameTenants(given.codec, config.localTenant);
  const settings = { ...given, codec };
  const models = createReadModels(config.freshness);
  const live = createLiveMetrics(
    metrics,
    [...settings.agents, ...config.behaviours],
    Object.keys(config.sources),
  );
  const payloads = openPayloadReader(kafka, codec);
  const onUnreadable = (
    { topic, partition, offset }: { topic: string; partition: number; offset: number },
    error: FreshetError,
  ): void =>
    settings.onEvent({ type: 'unreadable', topic, position: `${topic}:${partition}:${offset}`, error });
  let filling = new AbortController();
  /** Of the reading that has begun; whatever an earlier one was about is of no use any more. */
  const fill = async (): Promise<void> => {
    filling.abort();
    filling = new AbortController();
    const { signal } = filling;
    while (!signal.aborted) {
      try {
        const passed = () => kafka.admin.committed(AGENTS_GROUP, TOPICS.tasks.name);
        await fillEnded({ kafka, codec, executions: models.executions, reader, passed }, signal);
      } catch (error) {
        settings.onEvent({ type: 'read-trouble', error: toFreshetError(error) });
        await sleep(FILL_AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  };
  const reader = await readTopics({
    kafka,
    now: () => Math.floor(clock() / 1_000),
    onRecord: foldRecordsInto({ models, codec, payloads, live, clock, onUnreadable }),
    onRestart: () => {
      models.clear();
      void fill();
    },
    onCut: (topic, partition) => {
      if (topic === TOPICS.costs.name) models.costs.cut(partition);
    },
    onTrouble: (error) => settings.onEvent({ type: 'read-trouble', error }),
  });
  void fill();
  const coverage = followCoverage(settings.index, clock);
  const breakers = remember(BREAKERS_FOR_MS, () => reportBreakers(settings));
  const rollouts = watchRollouts({ settings, models, reader });
  const watch = watchAgents({ settings, models, reader });
  const sweep = sweepControl({ settings, models, reader });
  const context: GatewayContext = {
    settings,
    models,
    reader,
    rollouts,
    findOlder: createFindOlder(kafka, codec, payloads),
    findQuarantined: createFindQuarantined(kafka, codec),
    payloads,
    admitTask: createAdmitTask({
      ...{ kafka, executions: models.executions, intake: config.intake, clock },
      onRefused: models.refusals.intake,
    }),
    submitTask: createSubmitTask({
      ...{ writer, codec, executions: models.executions, clock },
      sampleRatio: config.telemetry.sampleRatio,
    }),
    streams: createEventStreams({
      onTrouble: (error) => settings.onEvent({ type: 'read-trouble', error: toFreshetError(error) }),
    }),
    freshness: remember(FRESHNESS_FOR_MS, () => models.freshness().report(clock(), coverage.all())),
    safety: async (asked) => safetyViewOf(models, await breakers(), asked, clock()),
    status: remember(STATUS_FOR_MS, () =>
      reportStatus(settings, {
        waitingFor: reader.waitingFor(),
        deadLetters: models.deadLetters.kinds(),
        quarantined: models.quarantine.standing(),
        quarantineChangedAt: models.quarantine.changedAt(),
        sources: [...models.sourceStates.values()]
          .filter(({ source }) => ownField(config.sources, source))
          .map((state) => standingState(state, clock())),
      }),
    ),
  };
  const routes = [
    ...taskRoutes(context),
    ...taskEventRoutes(context),
    ...taskSignalRoutes(context),
    ...killRoutes(context),
    ...behaviourRoutes(context),
    ...budgetRoutes(context),
    ...safetyRoutes(context),
    ...auditRoutes(context),
    ...searchRoutes(context),
    ...freshnessRoutes(context),
    ...executionRoutes(context),
    ...payloadRoutes(context),
    ...replayRoutes(context),
    ...quarantineRoutes(context),
    ...withdrawRoutes(context),
    ...deadLetterRoutes(context),
    ...costRoutes(context),
    ...agentRoutes(context),
    ...memoryRoutes(context),
    ...sourceRoutes(context),
    ...statusRoutes(context),
    ...modelLaneRoutes(context),
    ...verifyRoutes(context),
  ];

  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    // What the router refuses before any route is reached is a problem like any other.
    frameworkErrors: (_, __, reply) => {
      const problem = problemOf(
        new FreshetError('request-invalid', 'the address of the request is not readable'),
      );
      reply.raw
        .writeHead(problem.status, { ...ALL_HEADERS, 'content-type': PROBLEM_TYPE })
        .end(JSON.stringify(problem));
    },
    // An answer to a request that the browser never made for us must not be readable, nor its shape guessable.
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
  });
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(ALL_HEADERS);
    const refusal = refusalOf(request.headers);
    if (refusal) throw refusal;
  });
  /** What whoever asked is at fault for is theirs alone to know. */
  const tellFailure = (path: string, error: FreshetError): void => {
    if (error.code === 'internal') settings.onEvent({ type: 'request-failed', path, error });
  };
  app.setErrorHandler((thrown, request, reply) => {
    const error = errorOfRequest(thrown);
    tellFailure(request.routeOptions.url ?? '', error);
    const retryAfter = retryAfterOf(error);
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
    const problem = problemOf(error);
    return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
  });
  app.setNotFoundHandler(() => {
    throw new FreshetError('not-found', 'there is no such route; /openapi.json lists them');
  });
  registerHealth(app, context, {
    openApi: openApiOf(routes, VERSION),
    asyncApi: asyncApiOf(config.sources, schemaText, VERSION),
  });
  registerPage(app);
  registerRoutes(app, routes);
  registerMcp(app, {
    routes,
    agents: settings.agents.map(({ name }) => name),
    localTenant: config.localTenant,
    version: VERSION,
    onFailure: (error) => tellFailure('/mcp', error),
  });

  let url: string;
  try {
    url = await app.listen({ host: settings.host, port: settings.port });
  } catch (thrown) {
    coverage.stop();
    filling.abort();
    await Promise.all([rollouts.close(), watch.close(), sweep.close()]);
    await reader.stop();
    await payloads.close();
    const inUse = (thrown as { code?: unknown }).code === 'EADDRINUSE';
    throw inUse
      ? new FreshetError('port-in-use', `port ${settings.port} is in use; choose another`, { cause: thrown })
      : thrown;
  }
  return {
    url,
    notReady: reader.waitingFor,
    close: async () => {
      await app.close();
      coverage.stop();
      filling.abort();
      await Promise.all([rollouts.close(), watch.close(), sweep.close()]);
      await reader.stop();
      await payloads.close();
    },
  };
};
