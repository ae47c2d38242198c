// Replays a range of the journal, whose ends are filled in, and sets two executions side by side.
import { byId, make, pill } from './elements.js';
import { count, many } from './format.js';
import { request, requestLines } from './requests.js';
import { comparisonShown, decisionDiff } from './side-by-side.js';

const JOURNAL = 'freshet.agent-events';
/** Records that are filled in before the end: what happened of late. */
const LATELY = 500;
const MAX_SHOWN = 200;
const TONES = { identical: 'good', different: 'bad', unfinished: 'warn', cut: 'warn' };

const row = ({ executionId, agent, state, decisions, different, position, firstDifference }) => {
  const head = [
    pill(state, TONES[state]),
    make('span', { class: 'mono', text: executionId }),
    make('span', {
      class: 'muted',
      text: ` ${agent} · ${many(decisions, 'decision')}${different > 0 ? `, ${different} differ` : ''} · ${position}`,
    }),
  ];
  return firstDifference
    ? make('details', {}, make('summary', {}, head), decisionDiff(firstDifference))
    : make('p', { class: 'replayed' }, head);
};

const countsOf = ({ executions, identical, different, unfinished, cut, read, seconds, decisions }) =>
  make(
    'div',
    { class: 'detail-head' },
    pill(`${count(identical)} identical`, identical > 0 ? 'good' : undefined),
    different > 0 ? pill(`${count(different)} different`, 'bad') : null,
    unfinished > 0 ? pill(`${count(unfinished)} unfinished`, 'warn') : null,
    cut > 0 ? pill(`${count(cut)} begun before what is kept`, 'warn') : null,
    make('span', {
      class: 'muted',
      text: `${many(executions, 'execution')}, ${many(decisions, 'decision')}, ${many(read, 'record')} in ${seconds} s; no call outside`,
    }),
  );

export const createReplayPanel = () => {
  const form = byId('replay-form');
  const host = byId('replay-result');
  const compareForm = byId('compare-form');
  const compared = byId('compare-result');
  const { partition, offset, toOffset } = form.elements;
  let ends = {};
  let running;

  const fill = () => {
    const end = ends[partition.value] ?? 0;
    offset.value = String(Math.max(0, end - LATELY));
    toOffset.value = String(Math.max(0, end - 1));
  };

  partition.addEventListener('change', fill);

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('button');
    running?.abort();
    running = new AbortController();
    button.disabled = true;
    const note = make('p', { class: 'muted', role: 'status', text: 'Reading the journal …' });
    const list = make('div');
    host.replaceChildren(note, list);
    let shown = 0;
    let hidden = 0;
    const body = {
      partition: Number(partition.value),
      offset: Number(offset.value),
      toOffset: Number(toOffset.value),
    };
    try {
      await requestLines(
        '/v1/replays',
        body,
        (line) => {
          if (line.progress)
            note.textContent = `${count(line.progress.read)} of at most ${count(line.progress.of)} records, ${count(line.progress.executions)} executions`;
          else if (line.summary) note.replaceWith(countsOf(line.summary));
          else if (shown < MAX_SHOWN || line.state === 'different') {
            shown += 1;
            // What differs is what one came to see.
            if (line.state === 'different') list.prepend(row(line));
            else list.append(row(line));
          } else hidden += 1;
        },
        running.signal,
      );
      if (hidden > 0)
        list.append(make('p', { class: 'muted', text: `and ${count(hidden)} more as they were` }));
    } catch (error) {
      if (error.name !== 'AbortError') host.append(make('p', { class: 'trouble', text: error.message }));
    }
    button.disabled = false;
  });

  compareForm.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { a, b } = Object.fromEntries(new FormData(compareForm));
    try {
      compared.replaceChildren(
        ...comparisonShown(
          await request(
            `/v1/executions/${encodeURIComponent(a.trim())}/diff?with=${encodeURIComponent(b.trim())}`,
          ),
        ),
      );
    } catch (error) {
      compared.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  });

  return (status) => {
    const journal = status.topics.find(({ topic }) => topic === JOURNAL);
    if (!journal) return;
    const first = Object.keys(ends).length === 0;
    ends = journal.ends;
    const names = Object.keys(ends).sort((x, y) => Number(x) - Number(y));
    if (partition.options.length !== names.length) {
      partition.replaceChildren(...names.map((name) => make('option', { value: name, text: name })));
      // The one with most to show.
      partition.value = names.reduce(
        (best, name) => (ends[name] > ends[best] ? name : best),
        names[0] ?? '0',
      );
    }
    // What a person has typed stays.
    if (first) fill();
  };
};
