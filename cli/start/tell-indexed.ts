/** Says how the first read of one's own tables goes, and what keeps it from going, until they are read, or cannot be, and nothing more has come for a while. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import type { SourceReport } from '../commands/source-report.ts';
import { openGatewayClient } from '../gateway-client.ts';
import type { Progress } from '../progress.ts';
import type { RunFile } from '../run-file.ts';
import { isRead, isSettled, sourceTroubles } from './source-standing.ts';

const LOOK_EVERY_MS = 500;
/** An answer of the gateway looks at topics and groups of each source: asked for often, it is work of its own beside the first read. */
const ASK_EVERY_MS = 5_000;
const TELL_EVERY_MS = 3_000;
const QUIET_AFTER_MS = 5_000;
/** A connector that failed is restarted, a source that is lost begins anew: what stands for longer has to be mended by somebody. */
const STOPPED_AFTER_MS = 60_000;

/** Returns when the signal is aborted too. What does not answer for a moment is asked again. */
export const tellIndexed = async (
  run: Pick<RunFile, 'index' | 'gateway'>,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> => {
  const index = openIndexClient(run.index);
  const gateway = openGatewayClient(run.gateway);
  let [before, moved, told] = [-1, performance.now(), performance.now()];
  let [said, last] = ['', ''];
  let [asked, reading] = [Number.NEGATIVE_INFINITY, performance.now()];
  const troubles = new Set<string>();
  while (!signal.aborted) {
    const due = performance.now() - asked > ASK_EVERY_MS;
    if (due) asked = performance.now();
    const [status, standing] = await Promise.all([
      index.status().catch(() => undefined),
      due
        ? gateway.get<{ readonly sources: readonly SourceReport[] }>('/v1/sources').catch(() => undefined)
        : undefined,
    ]);
    const now = performance.now();
    if (status) {
      const { documents, markers } = status;
      if (documents + markers !== before) [before, moved] = [documents + markers, now];
      said = `${documents} documents indexed${markers > 0 ? `, ${markers} deleted or refused` : ''}`;
    }
    for (const [trouble, reason] of sourceTroubles(standing?.sources ?? [])) {
      if (troubles.has(trouble)) continue;
      progress.line('source', `${trouble}: ${reason}`);
      troubles.add(trouble);
      moved = now;
    }
    if (standing && !isSettled(standing.sources)) reading = now;
    const settled = standing && (isRead(standing.sources) || now - reading > STOPPED_AFTER_MS);
    if (status && settled && now - moved > QUIET_AFTER_MS) {
      const rest = isRead(standing.sources)
        ? 'changes follow as they are committed'
        : 'what is not read is told by: npx freshet source status';
      return progress.line('source', `${said}; ${rest}`);
    }
    const line = said || 'waiting for the first documents';
    if (line !== last && now - told > TELL_EVERY_MS) {
      [told, last] = [now, line];
      progress.line('source', line);
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
};
