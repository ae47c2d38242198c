/**
 * The processes of a chaos run, kept up as `freshet up` would: one that ends by itself is started again. Kills, stops and
 * continues them by name; none outlives this process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RUN_TYPESCRIPT } from '../../connectors/typescript/run-typescript.ts';
import type { ChaosProcessSettings } from './chaos-settings.ts';
import type { EntryOf } from './history.ts';

export interface ChaosProcesses {
  /** Resolves when all of them are in their groups. */
  readonly started: Promise<void>;
  /** SIGKILL, and another in its place after so long. */
  kill(name: string, backAfterMs: number): Promise<void>;
  /** SIGSTOP, and SIGCONT after so long. */
  stop(name: string, forMs: number): Promise<void>;
  /** Continues what is stopped, and waits until every one is in its group. */
  heal(): Promise<void>;
  /** Ends one of them for good: SIGTERM, and SIGKILL where that takes too long. */
  end(name: string): Promise<void>;
  /** Ends all at once. */
  killAll(): void;
}

const PROGRAM = fileURLToPath(new URL('chaos-process.ts', import.meta.url));
const READY_WITHIN_MS = 60_000;
const END_WITHIN_MS = 15_000;
const RESTART_MS = 500;
const KEPT_OF_LOG = 2_000;

interface Slot {
  readonly settings: ChaosProcessSettings;
  child: ChildProcess | undefined;
  ready: Promise<void>;
  /** Its next exit was asked for; who asked starts another. */
  expected: boolean;
  closed: boolean;
}

/** Resolves when it is gone. */
const ended = async (child: ChildProcess | undefined, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
};

export const startChaosProcesses = (
  all: readonly ChaosProcessSettings[],
  onChange: (change: Pick<EntryOf<'process'>, 'process' | 'what' | 'said'>) => void,
): ChaosProcesses => {
  const slots = new Map<string, Slot>();

  const launch = (slot: Slot): void => {
    // One that was killed a moment after it had ended by itself is started by either, not by both.
    if (slot.closed || slot.child) return;
    const { name } = slot.settings;
    const child = spawn(process.execPath, [...RUN_TYPESCRIPT, PROGRAM, JSON.stringify(slot.settings)], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    slot.child = child;
    slot.expected = false;
    let said = '';
    slot.ready = new Promise((resolve) => {
      child.stderr?.on('data', (piece: Buffer) => {
        said = `${said}${piece.toString()}`;
        if (said.includes(`${name} is in the group`)) resolve();
        said = said.slice(-KEPT_OF_LOG);
      });
      child.once('exit', () => resolve());
    });
    child.once('exit', () => {
      if (slot.child === child) slot.child = undefined;
      if (slot.expected || slot.closed) return;
      onChange({ process: name, what: 'ended', said: said.trim() });
      setTimeout(() => launch(slot), RESTART_MS);
    });
    onChange({ process: name, what: 'started', said: null });
  };

  for (const settings of all) {
    const slot: Slot = {
      settings,
      child: undefined,
      ready: Promise.resolve(),
      expected: false,
      closed: false,
    };
    slots.set(settings.name, slot);
    launch(slot);
  }

  const slotOf = (name: string): Slot => {
    const slot = slots.get(name);
    if (!slot) throw new Error(`there is no process named ${name}`);
    return slot;
  };

  const readyAll = async (): Promise<void> => {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (const slot of slots.values())
      for (;;) {
        const { ready } = slot;
        await Promise.race([ready, sleep(READY_WITHIN_MS, undefined, { ref: false })]);
        if (slot.closed || (slot.child && ready === slot.ready)) break;
        if (Date.now() > deadline) throw new Error(`${slot.settings.name} did not come into its group`);
        await sleep(RESTART_MS);
      }
  };

  const killAll = (): void => {
    for (const slot of slots.values()) {
      slot.closed = true;
      slot.child?.kill('SIGKILL');
    }
  };
  process.once('exit', killAll);

  return {
    started: readyAll(),
    kill: async (name, backAfterMs) => {
      const slot = slotOf(name);
      slot.expected = true;
      await ended(slot.child, 'SIGKILL');
      onChange({ process: name, what: 'ended', said: null });
      await sleep(backAfterMs);
      launch(slot);
    },
    stop: async (name, forMs) => {
      const { child } = slotOf(name);
      child?.kill('SIGSTOP');
      onChange({ process: name, what: 'stopped', said: null });
      await sleep(forMs);
      child?.kill('SIGCONT');
      onChange({ process: name, what: 'continued', said: null });
    },
    heal: readyAll,
    end: async (name) => {
      const slot = slotOf(name);
      slot.closed = true;
      await Promise.race([ended(slot.child, 'SIGTERM'), sleep(END_WITHIN_MS, undefined, { ref: false })]);
      await ended(slot.child, 'SIGKILL');
    },
    killAll: () => {
      killAll();
      process.removeListener('exit', killAll);
    },
  };
};
