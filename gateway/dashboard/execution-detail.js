// One execution step by step, with everything inline, and its replay.
import { documentLink } from './document-link.js';
import { folded, json, make, pill } from './elements.js';
import { createFeedbackForm, feedbackShown } from './feedback-form.js';
import { openForkForm } from './fork-form.js';
import { bytes, clock, duration, shortVersion, usd } from './format.js';
import { post, request } from './requests.js';
import { replayShown, whatIfShown } from './side-by-side.js';

const KINDS = {
  retrieve: 'Retrieve',
  recall: 'Recall',
  model: 'Model',
  plan: 'Plan',
  tool: 'Tool',
  delegate: 'Hand over to',
  approval: 'Ask for approval',
  respond: 'Answer',
};

export const createExecutionDetail = (host, executionId, versionsOf) => {
  const replayed = make('div', { 'aria-live': 'polite' });
  const path = `/v1/executions/${encodeURIComponent(executionId)}`;
  let feedbackForm;
  let asked = 0;
  let shown = '';

  const refresh = async () => {
    asked += 1;
    const mine = asked;
    try {
      const execution = await request(path);
      const text = JSON.stringify(execution);
      if (mine !== asked || text === shown) return;
      shown = text;
      if (execution.outcome !== null) feedbackForm ??= createFeedbackForm(execution.taskId, readAgain);
      // What stays is taken out and put back, which would take it from whoever is writing in it.
      const written = host.contains(document.activeElement) ? document.activeElement : null;
      host.replaceChildren(
        ...[
          head(execution),
          ...answer(execution),
          feedbackShown(execution.feedback),
          feedbackForm,
          timeline(execution, fork),
          replayed,
        ].filter(Boolean),
      );
      if (written?.isConnected) written.focus();
    } catch (error) {
      if (mine === asked) host.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  };

  /** The gateway reads its own record back within this. */
  const readAgain = () => setTimeout(refresh, 500);

  const fork = (step) => openForkForm(replayed, executionId, step, () => undefined);

  /** Runs while the button rests, and shows what came of it below. */
  const show = async (button, saying, ask, shownOf) => {
    button.disabled = true;
    replayed.replaceChildren(make('p', { class: 'muted', text: saying }));
    try {
      replayed.replaceChildren(...shownOf(await ask()).filter(Boolean));
    } catch (error) {
      replayed.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
    button.disabled = false;
  };

  const head = (execution) => {
    const waiting = execution.position === null;
    const button = (text, onclick) =>
      make('button', { class: 'secondary', type: 'button', text, disabled: waiting, onclick });
    const replay = button('Replay', () =>
      show(replay, 'Replaying on recorded results …', () => post(`${path}/replay`), replayShown),
    );
    const versions = versionsOf(execution.agent).filter((version) => version !== execution.behaviour);
    const tries = versions.map((version) => {
      const attempt = button(`What if version ${version}`, () =>
        show(
          attempt,
          'Deciding anew over recorded outcomes …',
          () => request(`${path}/what-if`, { behaviour: version }),
          whatIfShown,
        ),
      );
      return attempt;
    });
    return make(
      'div',
      { class: 'detail-head' },
      replay,
      tries,
      make('span', {
        class: 'muted',
        text: `behaviour ${execution.behaviour ?? '–'} · queued ${duration(execution.queuedMs)} · ran ${duration(execution.durationMs)}${execution.claims > 1 ? ` · taken on ${execution.claims} times` : ''}`,
      }),
      make('span', { class: 'mono muted', text: execution.position ?? '' }),
    );
  };

  return { refresh };
};

const answer = ({ output, error, partial }) => {
  const parts = [];
  if (error)
    parts.push(make('p', { class: 'answer', 'data-tone': 'bad', text: `${error.code}: ${error.message}` }));
  const text = output?.text ?? partial?.text;
  if (text) parts.push(make('p', { class: 'answer', text }));
  return parts;
};

/** A value as it is; of a large one a glance, and where the whole is. */
const valueShown = (title, value, payload, executionId) => {
  if (value === null) return null;
  if (!payload) return folded(title, json(value));
  const href = `/v1/executions/${encodeURIComponent(executionId)}/payloads/${payload.hash}`;
  return folded(
    `${title}, a glance of ${bytes(payload.bytes)}`,
    make('a', { href, target: '_blank', rel: 'noopener', text: `The whole ${title.toLowerCase()}` }),
    json(value),
  );
};

const timeline = (execution, onFork) => {
  const answered = execution.timeline.find((step) => step.kind === 'respond');
  const cited = new Set((answered?.cited ?? []).map(nameOf));
  const steps = execution.timeline.map((step) => stepItem(step, cited, onFork, execution.executionId));
  if (steps.length === 0) return make('p', { class: 'muted', text: 'No step yet: it waits for a worker.' });
  return make('ol', { class: 'timeline' }, steps);
};

const nameOf = ({ documentId, chunk, version }) => JSON.stringify([documentId, chunk, version]);

const stepItem = (step, cited, onFork, executionId) =>
  make(
    'li',
    { 'data-state': step.state },
    make(
      'div',
      { class: 'step-head' },
      make('strong', {
        text:
          step.kind === 'respond'
            ? `${KINDS.respond}: ${step.name}`
            : `${KINDS[step.kind]}${step.name && step.name !== step.kind ? ` ${step.name}` : ''}`,
      }),
      step.kind === 'respond'
        ? null
        : make('span', { text: step.state === 'running' ? 'running' : duration(step.durationMs) }),
      step.usage
        ? make('span', { text: `${step.usage.inputTokens} in, ${step.usage.outputTokens} out` })
        : null,
      step.costUsd === null ? null : make('span', { text: usd(step.costUsd) }),
      step.retries > 0 ? pill(`retry ${step.retries}`, 'warn') : null,
      step.kind === 'respond' || step.state === 'running'
        ? null
        : make('button', {
            class: 'linklike',
            type: 'button',
            text: 'go on from here',
            'aria-label': `Go on from step ${step.step} as a new execution`,
            onclick: () => onFork(step.step),
          }),
    ),
    step.error ? make('p', { class: 'trouble', text: `${step.error.code}: ${step.error.message}` }) : null,
    step.cited.length > 0
      ? make(
          'ul',
          { class: 'cited' },
          step.cited.map((chunk) => citedItem(chunk, step.kind !== 'respond' && cited.has(nameOf(chunk)))),
        )
      : null,
    valueShown('Input', step.input, step.inputPayload, executionId),
    valueShown('Output', step.output, step.outputPayload, executionId),
    folded(
      `${step.events.length} ${step.events.length === 1 ? 'event' : 'events'} in the journal`,
      json(
        step.events
          .map((event) => `${event.position}  ${event.type}  ${event.at ? clock(event.at) : ''}`)
          .join('\n'),
      ),
    ),
  );

const citedItem = (chunk, isCited) =>
  make(
    'li',
    {},
    make(
      'div',
      { class: 'head' },
      documentLink(chunk.documentId, chunk.title ?? chunk.documentId),
      make('span', {
        class: 'age',
        text: chunk.ageMs === null ? 'age unknown' : `${duration(chunk.ageMs)} old`,
      }),
    ),
    chunk.text ? make('p', { text: chunk.text }) : null,
    make('span', { class: 'mono muted', text: `version ${shortVersion(chunk.version)} ` }),
    chunk.stale ? pill(`stale: what the row became was refused (${chunk.stale})`, 'warn') : null,
    chunk.flags.map((flag) => pill(flag, 'warn')),
    isCited ? pill('cited in the answer', 'good') : null,
  );
