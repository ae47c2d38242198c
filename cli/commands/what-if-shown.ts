/** What another behaviour would have done, as people read it. Pure. */
import type { WhatIf } from '../../agents/replay/what-if.ts';
import { oneLine, table } from '../output.ts';

const WIDTH = 160;

const factor = ({ recordedUsd, candidateUsd }: WhatIf): string => {
  const [was, is] = [Number(recordedUsd), Number(candidateUsd)];
  if (was === 0) return '';
  const change = Math.round((100 * (is - was)) / was);
  return change === 0 ? ' (about the same)' : ` (${change > 0 ? '+' : ''}${change} %)`;
};

export const describeWhatIf = (result: WhatIf): string => {
  const { executionId, agent, recorded, candidate, followed, leaves, calls, ended } = result;
  const rows = calls.map((each) => [
    String(each.step),
    each.model,
    String(each.recordedInputTokens),
    each.changed ? `~${each.candidateInputTokens}` : String(each.candidateInputTokens),
    each.changed ? 'changed' : 'same',
  ]);
  return [
    `execution  ${executionId} of ${agent}`,
    `behaviour  recorded ${recorded}, candidate ${candidate}`,
    '',
    ...(rows.length > 0
      ? [table(['step', 'model', 'tokens in, recorded', 'candidate', 'prompt'], rows), '']
      : []),
    ...(leaves
      ? [
          `leaves the record at step ${leaves.step}, after ${followed} decisions that the recorded outcomes answered`,
          `  recorded   ${leaves.recorded.kind} ${oneLine(leaves.recorded.name ?? '', WIDTH)} ${oneLine(leaves.recorded.input ?? '', WIDTH)}`,
          `  candidate  ${leaves.candidate.kind} ${oneLine(leaves.candidate.name ?? '', WIDTH)} ${oneLine(leaves.candidate.input ?? '', WIDTH)}`,
          '  what would have come after is not known',
        ]
      : [
          `goes along with all ${followed} decisions${ended ? '' : ' so far; the execution has not ended'}; what a model would have said to a changed prompt is not known`,
        ]),
    '',
    `cost of ${calls.length} ${calls.length === 1 ? 'call' : 'calls'}: $${result.recordedUsd} recorded, about $${result.candidateUsd} with the candidate${factor(result)}: an estimate, of the recorded tokens times how much longer or shorter each prompt is`,
  ].join('\n');
};
