/** Says how the first read of one's own tables goes, and what keeps it from going, until they are read and nothing more has come for a while. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import type { SourceReport } from '../commands/source-report.ts';
import { openGatewayClient } from '../gateway-client.ts';
import type { Progress } from '../progress.ts';
import type { RunFile } from '../run-file.ts';
import { isRead, sourceTroubles } from './source-standing.ts';

const LOOK_EVERY_MS = 500;
const TELL_EVERY_MS = 3_000;
const QUIET_AFTER_MS = 5_000;

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
  const troubles = new Set<string>();
  while (!signal.aborted) {
    const [status, standing] = await Promise.all([
      index.status().catch(() => undefined),
      gateway.get<{ readonly sources: readonly SourceReport[] }>('/v1/sources').catch(() => undefined),
    ]);
    const now = performance.now();
    if (status) {
      const { documents, markers } = status;
      if (documents + markers !== before) [before, moved] = [documents + markers, now];
      said = `${documents} documents indexed${markers > 0 ? `, ${markers} deleted or refused` : ''}`;
    }
    for (const [trouble, reason] of sourceTroubles(standing?.sources ?? [])) {
      if (!troubles.has(trouble)) progress.line('source', `${trouble}: ${reason}`);
      troubles.add(trouble);
    }
    if (status && standing && isRead(standing.sources) && now - moved > QUIET_AFTER_MS) break;
    const line = said || 'waiting for the first documents';
    if (line !== last && now - told > TELL_EVERY_MS) {
      [told, last] = [now, line];
      progress.line('source', line);
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  if (!signal.aborted) progress.line('source', `${said}; changes follow as they are committed`);
};
