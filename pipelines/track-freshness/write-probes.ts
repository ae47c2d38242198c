/** Writes a probe row to a source each second and looks for it in the index as a user would, until it is found or given up. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SourceClock } from '../../connectors/sources/source-clock.ts';
import type { Clock } from '../../schemas/clock.ts';
import { toError } from '../../schemas/errors.ts';
import { withSignals } from '../../schemas/linked-signal.ts';
import { PROBE_QUERY, PROBE_TENANT, probeTable, tickOf } from '../../schemas/probe.ts';
import type { ProbeResult } from '../../schemas/records.ts';
import type { Retriever } from '../../schemas/search.ts';

export interface ProbeWriter {
  /** The last probe that was found or given up. */
  last(): ProbeResult | null;
  stop(): Promise<void>;
}

export interface ProbeSettings {
  readonly source: string;
  readonly sourceClock: Pick<SourceClock, 'writeProbe'>;
  readonly retriever: Retriever;
  readonly clock: Clock;
  /** A probe that is not found after this long is missed, milliseconds. */
  readonly giveUpMs: number;
  readonly onTrouble: (error: Error) => void;
}

const EVERY_MS = 1_000;
const FIRST_LOOK_MS = 10;
const LONGEST_PAUSE_MS = 200;
const LOOK_WITHIN_MS = 5_000;

export const startProbes = (settings: ProbeSettings): ProbeWriter => {
  const { source, clock } = settings;
  const stopped = new AbortController();
  const { signal } = stopped;
  let last: ProbeResult | null = null;

  /** The tick that a search finds now; undefined where there is none. */
  const visible = async (): Promise<number | undefined> => {
    const { hits } = await withSignals([signal, AbortSignal.timeout(LOOK_WITHIN_MS)], (within) =>
      settings.retriever.search(
        {
          query: PROBE_QUERY,
          tenant: PROBE_TENANT,
          topK: 1,
          mode: 'vector',
          filter: { source, table: probeTable(source) },
        },
        within,
      ),
    );
    return hits[0] && tickOf(hits[0].text);
  };

  const untilFound = async (tick: number, committedAt: number): Promise<number> => {
    const deadline = committedAt + settings.giveUpMs * 1_000;
    let pause = FIRST_LOOK_MS;
    while (!signal.aborted) {
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      try {
        if (((await visible()) ?? -1) >= tick) return clock();
      } catch (error) {
        if (!signal.aborted) settings.onTrouble(toError(error));
      }
      if (clock() > deadline) return 0;
      pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5);
    }
    return 0;
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const begun = performance.now();
      // By the clock, so that a successor's ticks are higher than those of whoever wrote before it.
      const tick = Math.floor(clock() / 1_000);
      try {
        await settings.sourceClock.writeProbe(source, tick);
        const committedAt = clock();
        const foundAt = await untilFound(tick, committedAt);
        // Until the first one is found, what looks for them may still be starting.
        if (!signal.aborted && (foundAt > 0 || last !== null)) last = { tick, committedAt, foundAt };
      } catch (error) {
        if (!signal.aborted) settings.onTrouble(toError(error));
      }
      await sleep(Math.max(1, EVERY_MS - (performance.now() - begun)), undefined, { signal }).catch(
        () => undefined,
      );
    }
  };
  const running = run();
  return {
    last: () => last,
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
};
