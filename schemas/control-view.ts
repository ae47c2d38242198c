/** Every signal to agents that holds now: the newest of each key of freshet.control. Pure but for being kept in place. */
import type { DailyLimits } from './budget-ledger.ts';
import {
  type ApprovalSubject,
  approvalKeyOf,
  type ControlSignal,
  executionOfSignal,
  signalOf,
  signalRecord,
} from './control-signals.ts';
import type { Control } from './records.ts';

type Signal<Kind extends ControlSignal['kind']> = Extract<ControlSignal, { readonly kind: Kind }>;

export interface TaskSignals {
  readonly cancel: Signal<'cancel'> | null;
  /** The newest first. */
  readonly approvals: readonly Signal<'approval'>[];
}

export interface ControlView {
  /** Takes in a record; returns the signal, undefined where it is none. */
  apply(control: Control): ControlSignal | undefined;
  /** A key was removed from the topic. */
  remove(key: string): void;
  /** The signal that forbids an agent to work for a tenant; undefined: it may. */
  killOf(agent: string, tenant: string): Signal<'kill'> | undefined;
  isKilled(agent: string, tenant: string): boolean;
  /** By execution alone: a task id is whatever its sender chose, another's execution id even. */
  signalsOf(executionId: string): TaskSignals;
  /** What was decided about one call; bound to its exact arguments. */
  approvalOf(subject: ApprovalSubject): Signal<'approval'> | undefined;
  /** The limits in force: what was set, else what the agent's definition says. */
  limitsOf(
    agent: string,
    tenant: string,
    defaults: { readonly agent: string | null; readonly tenant: string | null },
  ): DailyLimits;
  kills(): readonly Signal<'kill'>[];
  budgets(): readonly Signal<'budget'>[];
  /** The last rollout of an agent, as it was last said to be. */
  rolloutOf(agent: string): Signal<'behaviour'> | undefined;
  /** Keys of signals to tasks that were given before a time, as their tasks are in the log no more; and of rollouts that a later one followed. */
  outdated(before: number): readonly string[];
  clear(): void;
}

export const createControlView = (): ControlView => {
  /** By key. */
  const held = new Map<string, ControlSignal>();
  /** Keys by execution. */
  const ofExecution = new Map<string, Set<string>>();
  /** The last rollout by agent: asked for with every task. */
  const rollouts = new Map<string, Signal<'behaviour'>>();

  const remove = (key: string): void => {
    const signal = held.get(key);
    if (!signal) return;
    held.delete(key);
    const executionId = executionOfSignal(signal);
    if (executionId !== null) {
      const keys = ofExecution.get(executionId);
      keys?.delete(key);
      if (keys?.size === 0) ofExecution.delete(executionId);
    }
    if (signal.kind === 'behaviour') findRollout(signal.rollout.agent);
  };

  const all = <Kind extends ControlSignal['kind']>(kind: Kind): readonly Signal<Kind>[] =>
    [...held.values()].filter((signal): signal is Signal<Kind> => signal.kind === kind);

  const findRollout = (agent: string): void => {
    const [last] = all('behaviour')
      .filter(({ rollout }) => rollout.agent === agent)
      .sort((a, b) => b.rollout.began - a.rollout.began);
    if (last) rollouts.set(agent, last);
    else rollouts.delete(agent);
  };

  const isFollowed = (signal: ControlSignal): boolean =>
    signal.kind === 'behaviour' &&
    (rollouts.get(signal.rollout.agent)?.rollout.began ?? 0) > signal.rollout.began;

  const kill = (key: string): Signal<'kill'> | undefined => {
    const signal = held.get(key);
    return signal?.kind === 'kill' ? signal : undefined;
  };

  const killOf = (agent: string, tenant: string): Signal<'kill'> | undefined =>
    kill(`agent:${agent}`) ?? kill(`tenant:${tenant}`) ?? kill(`agent:${agent}/${tenant}`);

  const budget = (of: 'agent' | 'tenant', name: string): string | null => {
    const signal = held.get(`budget:${of}/${name}`);
    return signal?.kind === 'budget' ? signal.usdPerDay : null;
  };

  return {
    apply: (control) => {
      const signal = signalOf(control);
      if (!signal) return undefined;
      // The key as it should be: a record under a wrong one cannot stand beside the right one.
      const { key } = signalRecord(signal, control.id);
      remove(key);
      held.set(key, signal);
      const executionId = executionOfSignal(signal);
      if (executionId !== null)
        ofExecution.set(executionId, (ofExecution.get(executionId) ?? new Set()).add(key));
      if (signal.kind === 'behaviour') findRollout(signal.rollout.agent);
      return signal;
    },
    remove,
    killOf,
    isKilled: (agent, tenant) => killOf(agent, tenant) !== undefined,
    signalsOf: (executionId) => {
      const signals = [...(ofExecution.get(executionId) ?? [])].map((key) => held.get(key));
      return {
        cancel: signals.find((signal): signal is Signal<'cancel'> => signal?.kind === 'cancel') ?? null,
        approvals: signals
          .filter((signal): signal is Signal<'approval'> => signal?.kind === 'approval')
          .sort((a, b) => b.at - a.at),
      };
    },
    approvalOf: (subject) => {
      const signal = held.get(`task:${approvalKeyOf(subject)}`);
      return signal?.kind === 'approval' ? signal : undefined;
    },
    limitsOf: (agent, tenant, defaults) => ({
      agentUsd: budget('agent', agent) ?? defaults.agent,
      tenantUsd: budget('tenant', tenant) ?? defaults.tenant,
    }),
    kills: () => all('kill'),
    rolloutOf: (agent) => rollouts.get(agent),
    budgets: () => all('budget').filter(({ usdPerDay }) => usdPerDay !== null),
    outdated: (before) =>
      [...held]
        .filter(
          ([, signal]) =>
            isFollowed(signal) ||
            ((signal.kind === 'cancel' || signal.kind === 'approval') && signal.at < before),
        )
        .map(([key]) => key),
    clear: () => {
      held.clear();
      ofExecution.clear();
      rollouts.clear();
    },
  };
};
