/** Agents that deal in megabytes: one whose tool returns five of them, one that answers with as many characters as it is asked for, one that hands over to it. */
import { z } from 'zod';
import { defineAgent, defineTool, delegateTo } from '../../schemas/agent-definition.ts';

export const LARGE_BYTES = 5_000_000;
/** Named near the end of what the tool returns. */
export const LAST_DOCUMENT = 'help/public.articles/the-last-of-many';

const rows = Array.from({ length: 50_000 }, (_, row) => ({ row, text: `row ${row}: ${'word '.repeat(16)}` }));

export const archivist = defineAgent({
  name: 'archivist',
  version: '1',
  instructions: 'Look once, then answer.',
  retrieve: { topK: 2 },
  tools: [
    defineTool({
      name: 'look',
      description: 'looks at everything',
      effect: 'read',
      arguments: z.object({}),
      // Whose process it was: looked at again, it would be another's.
      execute: async () => ({ looked: process.pid, rows, last: { documentId: LAST_DOCUMENT } }),
    }),
  ],
});

export const verbose = defineAgent({
  name: 'verbose',
  version: '1',
  instructions: 'Answers at the length that is asked for.',
  plan: ({ input }) => ({ answer: 'y'.repeat(Number(input)) }),
});

export const delegating = defineAgent({
  name: 'delegating',
  version: '1',
  instructions: 'Has it answered by another.',
  tools: [delegateTo('verbose', { description: 'answers at length' })],
  plan: ({ input, results }) => {
    const [result] = results;
    if (!result) return { tools: [{ name: 'ask-verbose', arguments: { input: String(input) } }] };
    const { text } = result.output as { readonly text: string };
    return { answer: `it has ${text.length} characters` };
  },
});
