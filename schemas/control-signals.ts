/**
 * What people ask of agents while they run, as records of freshet.control: a task cancelled, an action approved or denied, an
 * agent or a tenant killed and revived, a budget set, another version of an agent tried. Who asked and why are kept with each.
 *
 * | kind | name, and the key after `kind:` | actions | values |
 * |---|---|---|---|
 * | task | executionId | cancel | taskId |
 * | task | executionId/step/argumentsHash | approve, deny | taskId |
 * | agent | agent, or agent/tenant | kill, revive | |
 * | tenant | tenant | kill, revive | |
 * | budget | agent/name, or tenant/name | set | usdPerDay; none: without a limit of its own |
 * | behaviour | agent/when its rollout began | deploy, promote, rollback | stable, candidate, share |
 */
import { isUsd } from './money.ts';
import type { Control } from './records.ts';
import type { Rollout } from './rollout.ts';

/** What a person must agree to: this very call, at this very step. */
export interface ApprovalSubject {
  readonly executionId: string;
  readonly step: number;
  /** sha256 of the canonical JSON of the arguments. */
  readonly argumentsHash: string;
}

export const approvalKeyOf = ({ executionId, step, argumentsHash }: ApprovalSubject): string =>
  `${executionId}/${step}/${argumentsHash}`;

interface Asked {
  readonly by: string;
  readonly reason: string | null;
  /** Microseconds since the Unix epoch. */
  readonly at: number;
}

/** `agent` null: every agent of the tenant; `tenant` null: the agent, whomever it works for. */
interface Switched {
  readonly agent: string | null;
  readonly tenant: string | null;
}

export type ControlSignal = Asked &
  (
    | { readonly kind: 'cancel'; readonly executionId: string; readonly taskId: string }
    | {
        readonly kind: 'approval';
        readonly subject: ApprovalSubject;
        readonly taskId: string;
        readonly decision: 'approve' | 'deny';
      }
    | ({ readonly kind: 'kill' } & Switched)
    | ({ readonly kind: 'revive' } & Switched)
    | {
        readonly kind: 'budget';
        readonly of: 'agent' | 'tenant';
        readonly name: string;
        /** Of a UTC day, exact decimal; null: what the agent's definition says. */
        readonly usdPerDay: string | null;
      }
    | { readonly kind: 'behaviour'; readonly rollout: Rollout }
  );

/** The only execution that a signal can mean anything to; null: any. */
export const executionOfSignal = (signal: ControlSignal): string | null => {
  if (signal.kind === 'cancel') return signal.executionId;
  return signal.kind === 'approval' ? signal.subject.executionId : null;
};

/** Names of agents hold no slash (config.ts). */
const killName = (agent: string | null, tenant: string | null): string =>
  agent === null ? (tenant ?? '') : tenant === null ? agent : `${agent}/${tenant}`;

const ROLLOUT_ACTIONS = {
  canary: 'deploy',
  promoted: 'promote',
  'rolled-back': 'rollback',
} as const satisfies Record<Rollout['state'], string>;
const STATES = Object.keys(ROLLOUT_ACTIONS) as Rollout['state'][];

/** The record of a signal and its key. `id`: of this command. */
export const signalRecord = (
  signal: ControlSignal,
  id: string,
): { readonly key: string; readonly control: Control } => {
  const { by, reason, at } = signal;
  const made = (
    kind: Control['kind'],
    name: string,
    action: string,
    values: Control['values'] = {},
  ): { readonly key: string; readonly control: Control } => ({
    key: `${kind}:${name}`,
    control: { kind, name, action, id, values, by, reason, at },
  });
  switch (signal.kind) {
    case 'cancel':
      return made('task', signal.executionId, 'cancel', { taskId: signal.taskId });
    case 'approval':
      return made('task', approvalKeyOf(signal.subject), signal.decision, { taskId: signal.taskId });
    case 'kill':
    case 'revive':
      return made(
        signal.agent === null ? 'tenant' : 'agent',
        killName(signal.agent, signal.tenant),
        signal.kind,
      );
    case 'budget':
      return made(
        'budget',
        `${signal.of}/${signal.name}`,
        'set',
        signal.usdPerDay === null ? {} : { usdPerDay: signal.usdPerDay },
      );
    case 'behaviour': {
      const { agent, began, stable, candidate, share, state } = signal.rollout;
      return made('behaviour', `${agent}/${began}`, ROLLOUT_ACTIONS[state], {
        ...{ stable, candidate, share: String(share) },
      });
    }
    default:
      return signal satisfies never;
  }
};

const rolloutOf = (name: string, action: string, values: Control['values']): Rollout | undefined => {
  const [agent, began] = afterSlash(name);
  const { stable = '', candidate = '', share = '' } = values;
  const [state] = STATES.filter((each) => ROLLOUT_ACTIONS[each] === action);
  const isShare = /^(?:0(?:\.\d+)?|1)$/.test(share);
  if (!state || !isShare || !/^\d{1,16}$/.test(began ?? '') || stable === '' || candidate === '')
    return undefined;
  return { agent, began: Number(began), stable, candidate, share: Number(share), state };
};

const afterSlash = (name: string): readonly [string, string | null] => {
  const at = name.indexOf('/');
  return at < 0 ? [name, null] : [name.slice(0, at), name.slice(at + 1)];
};

/** Undefined for what is no signal to agents, or none that can be read. */
export const signalOf = ({
  kind,
  name,
  action,
  values,
  by,
  reason,
  at,
}: Control): ControlSignal | undefined => {
  const asked = { by, reason, at };
  switch (kind) {
    case 'task': {
      const taskId = values.taskId ?? '';
      if (action === 'cancel') return { ...asked, kind: 'cancel', executionId: name, taskId };
      const [, executionId, step, argumentsHash] = /^(.+)\/(\d{1,9})\/([0-9a-f]{64})$/.exec(name) ?? [];
      if (executionId === undefined || argumentsHash === undefined) return undefined;
      if (action !== 'approve' && action !== 'deny') return undefined;
      const subject = { executionId, step: Number(step), argumentsHash };
      return { ...asked, kind: 'approval', subject, taskId, decision: action };
    }
    case 'agent': {
      if (action !== 'kill' && action !== 'revive') return undefined;
      const [agent, tenant] = afterSlash(name);
      return { ...asked, kind: action, agent, tenant };
    }
    case 'tenant':
      if (action !== 'kill' && action !== 'revive') return undefined;
      return { ...asked, kind: action, agent: null, tenant: name };
    case 'budget': {
      const [of, owner] = afterSlash(name);
      const usdPerDay = values.usdPerDay ?? null;
      if ((of !== 'agent' && of !== 'tenant') || owner === null || action !== 'set') return undefined;
      if (usdPerDay !== null && !isUsd(usdPerDay)) return undefined;
      return { ...asked, kind: 'budget', of, name: owner, usdPerDay };
    }
    case 'behaviour': {
      const rollout = rolloutOf(name, action, values);
      return rollout && { ...asked, kind: 'behaviour', rollout };
    }
    case 'source':
    case 'release':
    case 'embedding':
      return undefined;
    default:
      return kind satisfies never;
  }
};
