/** Executions that had a document or a memory before them, as the journal is read. */
import type { GatewayClient } from '../gateway-client.ts';
import { createOutput, duration, type Output } from '../output.ts';
import { untilInterrupted } from '../until-interrupted.ts';

interface Use {
  readonly executionId: string;
  readonly agent: string;
  readonly brought: readonly {
    readonly step: number;
    readonly via: string;
    readonly version: string | null;
    readonly ageMs: number | null;
    readonly position: string;
  }[];
  readonly decisions: readonly {
    readonly step: number;
    readonly kind: string;
    readonly name: string | null;
    readonly position: string;
  }[];
  readonly cited: boolean;
  readonly ended: boolean;
}

type Line =
  | Use
  | { readonly done: true; readonly read: number; readonly executions: number; readonly lost: number };

const describe = ({ executionId, agent, brought, decisions, cited, ended }: Use): string =>
  [
    `${executionId} ${agent}${cited ? ', cited in the answer' : ''}${ended ? '' : ', its end was not read'}`,
    ...brought.map(
      (each) =>
        `  ←  step ${each.step} by ${each.via}${each.ageMs === null ? '' : `, ${duration(each.ageMs)} old`}  ${each.position}`,
    ),
    ...decisions.map(
      (each) => `     step ${each.step} ${each.kind}${each.name ? ` ${each.name}` : ''}  ${each.position}`,
    ),
  ].join('\n');

interface Stretch {
  readonly agent?: string;
  readonly tenant?: string;
  readonly from?: string;
  readonly to?: string;
}

/** The journal is long: it is read on for nobody. Errors: `unavailable` where the reading broke off, and those of the gateway. */
export const listUses = (
  gateway: GatewayClient,
  used: string,
  { json = false, ...stretch }: Stretch & { readonly json?: boolean },
): Promise<void> =>
  untilInterrupted((interrupted) => streamUses(gateway, used, stretch, createOutput(json), interrupted));

const streamUses = async (
  gateway: GatewayClient,
  used: string,
  { agent, tenant, from, to }: Stretch,
  output: Output,
  interrupted: AbortSignal,
): Promise<void> => {
  const asked = { used, agent, tenant, from, to };
  for await (const line of gateway.lines<Line>('/v1/executions', undefined, asked, interrupted)) {
    if (!('done' in line)) output.stream(line, describe);
    else if (output.json) output.stream(line, () => '');
    else {
      const gone = line.lost > 0 ? `, ${line.lost} payloads are gone: it may have stood in them` : '';
      output.talk(`${line.executions} executions, ${line.read} records of the journal read${gone}`);
    }
  }
};
