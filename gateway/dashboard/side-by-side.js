// What was recorded beside what was replayed, and one execution beside another.
import { folded, json, make, pill } from './elements.js';
import { duration, many, usd } from './format.js';

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const side = (title, { kind, name, input, inputHash }) =>
  make(
    'div',
    {},
    make('span', { class: 'muted', text: title }),
    json({ kind, name, input: parsed(input), ...(inputHash === undefined ? {} : { inputHash }) }),
  );

/** One decision that came out otherwise. */
export const decisionDiff = ({ step, kind, name, recorded, replayed }) =>
  make(
    'div',
    {},
    make('p', { class: 'muted', text: `Step ${step}, ${kind} ${name ?? ''}` }),
    make('div', { class: 'diff' }, side('Recorded', recorded), side('Replayed', replayed)),
  );

/** The verdict of one replay, with what differs. */
export const replayShown = (replay) => {
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
    ...different.map(decisionDiff),
  ];
};

/** What another version would have decided. */
export const whatIfShown = ({ recorded, candidate, followed, leaves, calls, recordedUsd, candidateUsd }) => [
  make('h3', { text: `Version ${candidate} instead of ${recorded}` }),
  make(
    'p',
    { class: 'detail-head' },
    leaves ? pill(`leaves the record at step ${leaves.step}`, 'warn') : pill('goes along to the end', 'good'),
    make('span', {
      class: 'muted',
      text: `${many(followed, 'decision')} answered by recorded outcomes; ${many(calls.length, 'model call')}: ${usd(recordedUsd)} recorded, about ${usd(candidateUsd)} with this version (an estimate by the length of its prompts)`,
    }),
  ),
  leaves
    ? make(
        'div',
        { class: 'diff' },
        side('Recorded', leaves.recorded),
        side(`Version ${candidate}`, leaves.candidate),
      )
    : null,
];

const stepSide = (step) =>
  step === null
    ? make('div', { class: 'absent' }, make('span', { class: 'muted', text: 'no such step' }))
    : make(
        'div',
        {},
        make(
          'div',
          { class: 'step-head' },
          make('strong', {
            text: `${step.step} ${step.kind}${step.name && step.name !== step.kind ? ` ${step.name}` : ''}`,
          }),
          make('span', { text: duration(step.durationMs) }),
          step.costUsd === null ? null : make('span', { text: usd(step.costUsd) }),
        ),
        step.error
          ? make('p', { class: 'trouble', text: `${step.error.code}: ${step.error.message}` })
          : null,
        step.input === null ? null : folded('Input', json(step.input)),
        step.output === null ? null : folded('Output', json(step.output)),
      );

const named = (name, { executionId, agent, behaviour, outcome, state, costUsd, durationMs }) =>
  make(
    'div',
    {},
    make('strong', { text: `${name}: ${agent} ${behaviour ?? ''}` }),
    make('div', { class: 'mono muted', text: executionId }),
    make('div', { class: 'muted', text: `${outcome ?? state}, ${duration(durationMs)}, ${usd(costUsd)}` }),
  );

/** Two executions, their steps in pairs. */
export const comparisonShown = ({ a, b, steps, same }) => [
  make('div', { class: 'diff' }, named('A', a), named('B', b)),
  make(
    'p',
    { class: 'detail-head' },
    same ? pill('the same', 'good') : pill('they differ', 'warn'),
    make('span', { class: 'muted', text: 'ages, times and scores apart' }),
  ),
  make(
    'ol',
    { class: 'pairs' },
    steps.map((pair) =>
      make(
        'li',
        {},
        pair.differs.length > 0
          ? pill(`${pair.differs.join(' and ')} ${pair.differs.length === 1 ? 'differs' : 'differ'}`, 'warn')
          : pair.a && pair.b
            ? pill('same', 'good')
            : pill('only one has it', 'warn'),
        make('div', { class: 'diff' }, stepSide(pair.a), stepSide(pair.b)),
      ),
    ),
  ),
];
