// One execution step by step, with everything inline, and its replay.
import { folded, json, make, pill } from './elements.js';
import { clock, duration, shortVersion, usd } from './format.js';
import { post, request } from './requests.js';

const KINDS = { retrieve: 'Retrieve', model: 'Model', tool: 'Tool', respond: 'Answer' };

export const createExecutionDetail = (host, executionId, onTrace) => {
  const replayed = make('div');
  let asked = 0;
  let shown = '';

  const refresh = async () => {
    asked += 1;
    const mine = asked;
    try {
      const execution = await request(`/v1/executions/${encodeURIComponent(executionId)}`);
      const text = JSON.stringify(execution);
      if (mine !== asked || text === shown) return;
      shown = text;
      host.replaceChildren(head(execution), ...answer(execution), timeline(execution, onTrace), replayed);
    } catch (error) {
      if (mine === asked) host.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  };

  const head = (execution) => {
    const button = make('button', {
      class: 'secondary',
      type: 'button',
      text: 'Replay',
      disabled: execution.position === null,
    });
    button.addEventListener('click', async () => {
      button.disabled = true;
      replayed.replaceChildren(make('p', { class: 'muted', text: 'Replaying on recorded results …' }));
      try {
        replayed.replaceChildren(
          ...replayOf(await post(`/v1/executions/${encodeURIComponent(executionId)}/replay`)),
        );
      } catch (error) {
        replayed.replaceChildren(make('p', { class: 'trouble', text: error.message }));
      }
      button.disabled = false;
    });
    return make(
      'div',
      { class: 'detail-head' },
      button,
      make('span', {
        class: 'muted',
        text: `behaviour ${execution.behaviour ?? '–'} · queued ${duration(execution.queuedMs)} · ran ${duration(execution.durationMs)}`,
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

const timeline = (execution, onTrace) => {
  const answered = execution.timeline.find((step) => step.kind === 'respond');
  const cited = new Set((answered?.cited ?? []).map(nameOf));
  const steps = execution.timeline.map((step) => stepItem(step, cited, onTrace));
  if (steps.length === 0) return make('p', { class: 'muted', text: 'No step yet: it waits for a worker.' });
  return make('ol', { class: 'timeline' }, steps);
};

const nameOf = ({ documentId, chunk, version }) => JSON.stringify([documentId, chunk, version]);

const stepItem = (step, cited, onTrace) =>
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
    ),
    step.error ? make('p', { class: 'trouble', text: `${step.error.code}: ${step.error.message}` }) : null,
    step.cited.length > 0
      ? make(
          'ul',
          { class: 'cited' },
          step.cited.map((chunk) =>
            citedItem(chunk, step.kind !== 'respond' && cited.has(nameOf(chunk)), onTrace),
          ),
        )
      : null,
    step.input === null ? null : folded('Input', json(step.input)),
    step.output === null ? null : folded('Output', json(step.output)),
    folded(
      `${step.events.length} ${step.events.length === 1 ? 'event' : 'events'} in the journal`,
      json(
        step.events
          .map((event) => `${event.position}  ${event.type}  ${event.at ? clock(event.at) : ''}`)
          .join('\n'),
      ),
    ),
  );

const citedItem = (chunk, isCited, onTrace) =>
  make(
    'li',
    {},
    make(
      'div',
      { class: 'head' },
      make('button', {
        class: 'linklike',
        type: 'button',
        text: chunk.title ?? chunk.documentId,
        onclick: () => onTrace(chunk.documentId),
      }),
      make('span', {
        class: 'age',
        text: chunk.ageMs === null ? 'age unknown' : `${duration(chunk.ageMs)} old`,
      }),
    ),
    chunk.text ? make('p', { text: chunk.text }) : null,
    make('span', { class: 'mono muted', text: `version ${shortVersion(chunk.version)} ` }),
    isCited ? pill('cited in the answer', 'good') : null,
  );

const replayOf = (replay) => {
  const different = replay.decisions.filter((decision) => !decision.same);
  const verdict = replay.identical
    ? pill('identical', 'good')
    : pill(`${different.length} of ${replay.decisions.length} decisions differ`, 'bad');
  const behaviour = replay.behaviour.same
    ? ''
    : `; it ran under behaviour ${replay.behaviour.recorded.join(', ')}, now ${replay.behaviour.replayed ?? 'none'}`;
  return [
    make('h3', { text: 'Replay' }),
    make(
      'p',
      { class: 'detail-head' },
      verdict,
      make('span', {
        class: 'muted',
        text: `${replay.decisions.length} decisions made again from the journal, no call outside${behaviour}`,
      }),
    ),
    ...different.map((decision) =>
      make(
        'div',
        {},
        make('p', { class: 'muted', text: `Step ${decision.step}, ${decision.kind} ${decision.name ?? ''}` }),
        make(
          'div',
          { class: 'diff' },
          side('Recorded', decision.recorded),
          side('Replayed', decision.replayed),
        ),
      ),
    ),
  ];
};

const side = (title, digest) =>
  make(
    'div',
    {},
    make('span', { class: 'muted', text: title }),
    json({ kind: digest.kind, name: digest.name, input: parsed(digest.input), inputHash: digest.inputHash }),
  );

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
