/** Keeps the sample alive, so that freshness and executions can be seen: an editor on the source, and a question now and then. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleQuestions } from '../../connectors/sample-source/sample-questions.ts';
import { startEditor } from '../../connectors/sample-source/start-editor.ts';
import type { RunningFreshet } from './start-everything.ts';

const QUESTION_EVERY_MS = 8_000;
const QUESTIONS = 200;

export const startSampleActivity = ({
  freshet,
  rate,
  seed,
  rows,
}: {
  readonly freshet: RunningFreshet;
  readonly rate: number;
  readonly seed: number;
  readonly rows: number;
}): { stop(): Promise<void> } => {
  const stopped = new AbortController();
  const editor = rate > 0 ? startEditor({ url: freshet.sampleUrl, changesPerSecond: rate, seed }) : undefined;
  const questions = sampleQuestions({ seed, count: QUESTIONS, rows });
  const ask = async (): Promise<void> => {
    for (let at = 0; !stopped.signal.aborted && questions.length > 0; at += 1) {
      const question = questions[at % questions.length];
      // A question that is not taken is not missed: the next one comes in a moment.
      await fetch(`${freshet.run.gateway}/v1/tasks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ agent: 'support', input: question?.question, tenant: question?.tenant }),
        signal: stopped.signal,
      }).catch(() => undefined);
      await sleep(QUESTION_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const asking = ask();
  return {
    stop: async () => {
      stopped.abort();
      await asking;
      await editor?.stop();
    },
  };
};
