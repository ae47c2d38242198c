/** What a tool is given beside its arguments, in a step or to undo one. */
import { freshnessOf } from '../../schemas/search.ts';
import { scratchOf } from '../memory/ephemeral-memory.ts';
import type { ToolCallContext } from './step-calls.ts';
import { type StepScope, tenantOf, traceparentOfStep } from './step-scope.ts';

export const toolContextOf = (scope: StepScope, step: number, idempotencyKey: string): ToolCallContext => {
  const { run, services, calling } = scope;
  const { taskId, executionId } = run.identity;
  const tenant = tenantOf(scope);
  const freshness = freshnessOf(run.input.freshness);
  const traceparent = traceparentOfStep(scope, step);
  return {
    ...{ tenant, taskId, executionId, idempotencyKey, traceparent },
    // Whatever a model talks a tool into asking for: of this tenant only (I9).
    retriever: {
      search: (request, signal) =>
        services.retriever.search(
          { ...(freshness ? { freshness } : {}), ...request, tenant, traceparent },
          signal,
        ),
    },
    sourceUrls: services.sourceUrls,
    scratch: scratchOf(services.scratch, executionId),
    signal: calling,
  };
};
