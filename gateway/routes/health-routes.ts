/** Liveness, readiness, metrics of all roles, and the contracts. */
import type { FastifyInstance } from 'fastify';
import type { GatewayContext } from '../gateway-context.ts';
import { reportBudgets } from '../report-budgets.ts';
import { keepRoleCounts } from '../role-counts.ts';
import { measureBreakers, seeBreakers } from '../see-breakers.ts';
import { measureBudgets } from '../views/budget-view.ts';
import { measureFreshness } from '../views/freshness-gauges.ts';
import { measureShares } from '../views/rollout-view.ts';

const ROLE = 'gateway';

export const registerHealth = (
  app: FastifyInstance,
  context: GatewayContext,
  contracts: { readonly openApi: unknown; readonly asyncApi: unknown },
): void => {
  const { settings, models, reader, freshness } = context;
  const { metrics } = settings;
  // Tenants are no labels, and breakers have a metric of their own.
  const sources = new Set([
    ...Object.keys(settings.config.sources),
    ...settings.agents.flatMap(({ name }) => [`agent:${name}`, `behaviour:${name}`]),
  ]);
  const roleCounts = keepRoleCounts(async () => (await settings.roleMetrics?.()) ?? []);
  app.get('/healthz', async () => ({ role: ROLE, ok: true }));
  app.get('/readyz', async (_, reply) => {
    const waitingFor = reader.waitingFor();
    return reply
      .code(waitingFor === null ? 200 : 503)
      .send({ role: ROLE, ready: waitingFor === null, waitingFor });
  });
  app.get('/metrics', async (_, reply) => {
    measureFreshness(metrics, freshness(), sources);
    measureShares(metrics, models.control, settings.agents);
    measureBudgets(metrics, await reportBudgets(context));
    measureBreakers(metrics, await seeBreakers(settings));
    return reply.type('text/plain; version=0.0.4').send(await metrics.registry.text(await roleCounts()));
  });
  app.get('/metrics.json', async () => metrics.registry.json());
  const documents = {
    '/openapi.json': JSON.stringify(contracts.openApi),
    '/asyncapi.json': JSON.stringify(contracts.asyncApi),
  };
  for (const [path, document] of Object.entries(documents))
    app.get(path, async (_, reply) => reply.type('application/json').send(document));
};
