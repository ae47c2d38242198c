/** What a journal says of an execution, on a terminal. */
import { expect, test } from 'vitest';
import { describeWhatIf } from '../../cli/commands/what-if-shown.ts';

test('a name that holds an escape sequence is shown, and not obeyed', () => {
  const side = { step: 3, kind: 'tool', name: 'look\u001b[2J\nup', input: null, inputHash: null };
  const said = describeWhatIf({
    ...{ executionId: 'e', agent: 'support', recorded: '1', candidate: '2', followed: 2, calls: [] },
    ...{ leaves: { step: 3, recorded: side, candidate: side }, ended: true },
    ...{ recordedUsd: '0', candidateUsd: '0' },
  } as unknown as Parameters<typeof describeWhatIf>[0]);
  expect(said).toContain('recorded   tool look\u00b7[2J up');
  expect(said).not.toContain('\u001b');
});
