/** The watch of every source, and the commands to them: the work of one process at a time (owned-by-one.ts). */
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../schemas/errors.ts';
import type { OwnedWork } from '../owned-by-one.ts';
import { readCommands } from './source-commands.ts';
import { readSourceStates } from './source-states.ts';
import { type SourceEvent, watchSource } from './watch-source.ts';
import type { WatchedSource } from './watched-source.ts';

export interface WatchSourcesSettings {
  readonly sources: readonly WatchedSource[];
  readonly everyMs?: number;
  /** A source that loses its place again and again is not read anew more often than this. */
  readonly betweenEpochsMs?: number;
  readonly onEvent: (event: SourceEvent) => void;
}

/** Begins where the last watch left off. Errors: `kafka-unavailable`, `registry-unavailable`. */
export const watchSources = async ({
  sources,
  everyMs = 1_000,
  betweenEpochsMs = 20_000,
  onEvent,
}: WatchSourcesSettings): Promise<OwnedWork> => {
  const first = sources[0];
  if (!first) return { stop: async () => undefined };
  const { kafka, codec } = first;
  const known = await readSourceStates(kafka, codec);
  const stopped = new AbortController();
  const { signal } = stopped;
  const watches = sources.map((each) =>
    watchSource(each, known.get(each.source), { betweenEpochsMs, stopped: signal, onEvent }),
  );
  // The least that any of them has handled: each knows what it did already.
  let readTo = Math.min(...watches.map((watch) => watch.state().handled));

  /** Taken off the topic, to be carried out by the source's own loop before its next look. */
  const waiting = new Map(sources.map(({ source }) => [source, [] as (() => Promise<void>)[]]));

  const obey = async (): Promise<void> => {
    const { commands, next } = await readCommands(kafka, codec, readTo);
    for (const watch of watches) {
      for (const { offset, command } of commands) {
        const { source, handled } = watch.state();
        // More handled than there is: the topic was made anew.
        const fresh = offset >= handled || next < handled;
        if (command.source === source && fresh)
          waiting.get(source)?.push(() => watch.command(command, offset + 1));
      }
    }
    readTo = next;
  };

  const again = async (what: () => Promise<void>, source: string): Promise<void> => {
    while (!stopped.signal.aborted) {
      await what().catch((thrown) => {
        if (!stopped.signal.aborted) onEvent({ type: 'trouble', source, error: toError(thrown) });
      });
      await sleep(everyMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };

  // Each for itself: a source whose database hangs does not hold up the others.
  const running = Promise.all([
    again(obey, first.source),
    ...watches.map((watch) => {
      const { source } = watch.state();
      return again(async () => {
        const commands = waiting.get(source) ?? [];
        for (let [command] = commands; command; [command] = commands) {
          await command();
          commands.shift();
        }
        await watch.look();
      }, source);
    }),
  ]);
  return {
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
};
