// Takes dead letters through again: first says what that would do, and does it when a person says so and why.
import { askWhy } from './ask-why.js';
import { make } from './elements.js';
import { count, many } from './format.js';
import { request } from './requests.js';

/** Of one request: each record is read where it stands, a tenth of a second or so, and whoever waits is told how far it is. */
const AT_ONCE = 50;
const WHYS_SHOWN = 3;

/** Takes from `queue` what is answered for, so that another try goes on where this one failed, and adds it to `all`. Of large records a request may answer for some alone. */
const redrive = async (queue, all, more, onProgress) => {
  while (queue.length > 0) {
    onProgress?.();
    const places = queue.slice(0, AT_ONCE);
    const done = await request('/v1/dead-letters/redrive', { places, ...more });
    const answered = new Set([...done.redriven, ...done.left.map(({ place }) => place)]);
    queue.splice(0, places.length, ...places.filter((place) => !answered.has(place)));
    for (const name of Object.keys(all)) all[name].push(...done[name]);
    if (answered.size === 0) throw new Error('The gateway answered for none of them.');
  }
  return all;
};

const nothing = () => ({ redriven: [], tasks: [], left: [] });

/** Why some are left, each reason once. */
const leftText = (left, verb) => {
  if (left.length === 0) return '';
  const whys = [...new Set(left.map(({ why }) => why))];
  const shown = whys.slice(0, WHYS_SHOWN).join('; ');
  return ` ${count(left.length)} ${verb}: ${shown}${whys.length > WHYS_SHOWN ? '; …' : ''}.`;
};

const asWhat = ({ redriven, tasks }) =>
  tasks.length === 0
    ? 'as they stand in the log'
    : tasks.length === redriven.length
      ? 'as new tasks'
      : `${count(tasks.length)} as new tasks, the others as they stand in the log`;

/** Fills `host` with the question about the records at `places`; `onDone` is told in words what was done. */
export const askRedrive = async (host, { places, back }, onDone) => {
  const say = (text, isTrouble) => {
    const close = make('button', {
      class: 'secondary',
      type: 'button',
      text: 'Close',
      onclick: () => {
        host.replaceChildren();
        back.focus();
      },
    });
    host.replaceChildren(
      make(
        'div',
        { class: 'ask-why' },
        make('p', { class: isTrouble ? 'trouble' : null, role: 'alert', text }),
        make('div', { class: 'actions' }, close),
      ),
    );
    close.focus();
  };
  back.disabled = true;
  const progress = make('p', { class: 'muted', role: 'status' });
  host.replaceChildren(progress);
  try {
    const queue = [...places];
    const would = await redrive(queue, nothing(), { dryRun: true }, () => {
      const at = places.length - queue.length;
      progress.textContent = `Looking at what it would do: ${count(at)} of ${count(places.length)}.`;
    });
    back.disabled = false;
    if (would.redriven.length === 0) {
      say(`None can be taken through again.${leftText(would.left, 'would be left')}`, false);
      return;
    }
    // What was agreed to, and nothing that has come since.
    const agreed = [...would.redriven];
    const done = nothing();
    askWhy(
      host,
      {
        says: `${many(would.redriven.length, 'record')} would be taken through again, ${asWhat(would)}.${leftText(would.left, 'would be left')}`,
        confirm: `Redrive ${count(would.redriven.length)}`,
        back,
      },
      async (reason) => {
        back.disabled = true;
        try {
          await redrive(agreed, done, { reason });
        } finally {
          back.disabled = false;
          if (done.redriven.length + done.left.length > 0)
            onDone(
              `Taken through again: ${many(done.redriven.length, 'record')}, ${asWhat(done)}.${leftText(done.left, 'left')}`,
            );
        }
      },
    );
  } catch (error) {
    back.disabled = false;
    say(error.message, true);
  }
};
