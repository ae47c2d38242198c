/** Sources that agents write: no database stands behind them, so they have no commit, no watermark and no objective. */
import { MEMORY_SOURCE } from './memory-source.ts';
import { RESULT_SOURCE } from './result-source.ts';

export const AGENT_SOURCES: ReadonlySet<string> = new Set([MEMORY_SOURCE, RESULT_SOURCE]);
