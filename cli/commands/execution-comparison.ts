/** Two executions side by side, as people read them. Pure. */
import { duration, oneLine, table } from '../output.ts';

interface Side {
  readonly step: number;
  readonly kind: string;
  readonly name: string | null;
  readonly input: unknown;
  readonly output: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly costUsd: string | null;
  readonly durationMs: number;
}

interface Execution {
  readonly executionId: string;
  readonly agent: string;
  readonly behaviour: string | null;
  readonly state: string;
  readonly outcome: string | null;
  readonly steps: number;
  readonly costUsd: string;
  readonly durationMs: number | null;
}

export interface Comparison {
  readonly a: Execution;
  readonly b: Execution;
  readonly steps: readonly {
    readonly a: Side | null;
    readonly b: Side | null;
    readonly differs: readonly ('input' | 'output' | 'error')[];
  }[];
  readonly same: boolean;
}

const WIDTH = 120;

const sideName = (side: Side | null): string =>
  side === null
    ? '–'
    : `${side.step} ${side.kind}${side.name && side.name !== side.kind ? ` ${side.name}` : ''}`;

const headOf = (name: string, each: Execution): readonly string[] => [
  name,
  each.executionId,
  `${each.agent}@${each.behaviour ?? '–'}`,
  each.outcome ?? each.state,
  String(each.steps),
  `$${each.costUsd}`,
  duration(each.durationMs),
];

export const describeComparison = ({ a, b, steps, same }: Comparison): string => {
  const rows = steps.map((each) => {
    const left = each.a;
    const right = each.b;
    const mark =
      left && right ? (each.differs.length > 0 ? `${each.differs.join(', ')} differ` : 'same') : 'only one';
    return [sideName(left), sideName(right), mark];
  });
  const details = steps.flatMap((each) =>
    each.differs.flatMap((part) => [
      `${sideName(each.a)}, ${part}`,
      `  a  ${oneLine(JSON.stringify(each.a?.[part] ?? null), WIDTH)}`,
      `  b  ${oneLine(JSON.stringify(each.b?.[part] ?? null), WIDTH)}`,
    ]),
  );
  return [
    table(['', 'execution', 'agent', 'ended', 'steps', 'cost', 'ran'], [headOf('a', a), headOf('b', b)]),
    '',
    table(['a', 'b', ''], rows),
    ...(details.length > 0 ? ['', ...details] : []),
    '',
    same ? 'the same steps with the same inputs and outputs' : 'they differ',
  ].join('\n');
};
