// What waits for a person, each with its exact arguments and the time that is left. A card stays as it is while its action waits,
// so that what is typed into it is not lost when others come and go.
import { askWhy } from './ask-why.js';
import { byId, empty, json, make, since } from './elements.js';
import { count } from './format.js';
import { request } from './requests.js';

const SOON_MS = 10 * 60_000;
const HASH_SHOWN = 12;

const twoDigits = (value) => String(value).padStart(2, '0');

/** 23 h 59 min, 4:07. */
const left = (ms) => {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  return minutes >= 60
    ? `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min left`
    : `${minutes}:${twoDigits(seconds % 60)} left`;
};

const VERBS = {
  approve: { text: 'Approve', class: 'primary', says: 'It is done once, with these very arguments.' },
  deny: { text: 'Deny', class: 'danger', says: 'The agent is told that it may not, and goes on without.' },
};

const createCard = (approval, { onOpen, onDecided, now }) => {
  const { taskId, executionId, agent, tenant, step, tool, argumentsHash } = approval;
  const time = make('span', { class: 'countdown', role: 'timer' });
  const asking = make('div');
  const decide = (decision, reason) =>
    request(`/v1/tasks/${encodeURIComponent(taskId)}/approve`, { step, argumentsHash, decision, reason });
  const buttons = Object.entries(VERBS).map(([decision, verb]) => {
    const button = make('button', {
      class: decision === 'deny' ? 'secondary' : 'primary',
      type: 'button',
      text: verb.text,
      'aria-label': `${verb.text} ${tool} of ${agent}`,
      onclick: () =>
        askWhy(
          asking,
          { says: verb.says, confirm: `${verb.text} ${tool}`, tone: verb.class, back: button },
          async (reason) => {
            await decide(decision, reason);
            onDecided(`${decision === 'approve' ? 'Approved' : 'Denied'}: ${tool} of ${agent}.`);
          },
        ),
    });
    return button;
  });
  const element = make(
    'article',
    { class: 'approval', 'aria-label': `${tool}, asked for by ${agent}` },
    make('div', { class: 'card-head' }, make('h4', { class: 'mono', text: tool }), time),
    make(
      'p',
      { class: 'muted' },
      `${agent} for ${tenant ?? 'no tenant'}, step ${step}, asked `,
      since(approval.askedAt),
    ),
    json(approval.arguments),
    make('p', {
      class: 'muted',
      text: `Good for once, and for these arguments alone (sha256 ${argumentsHash.slice(0, HASH_SHOWN)}…).`,
    }),
    make(
      'div',
      { class: 'actions' },
      buttons,
      make('button', {
        class: 'linklike',
        type: 'button',
        text: 'Show its steps',
        onclick: () => onOpen(executionId),
      }),
    ),
    asking,
  );
  const tick = () => {
    const ms = Date.parse(approval.deadline) - now();
    time.textContent = ms > 0 ? left(ms) : 'void';
    time.dataset.tone = ms > 0 ? (ms < SOON_MS ? 'warn' : '') : 'bad';
    for (const button of buttons) button.disabled = ms <= 0;
  };
  tick();
  return { element, tick };
};

export const createApprovalCards = (onOpen) => {
  const host = byId('safety-approvals');
  const note = byId('safety-note');
  const cards = new Map();
  const leftOut = make('p', { class: 'muted note' });
  /** The gateway's clock less this one's. */
  let apart = 0;
  const around = {
    onOpen,
    now: () => Date.now() + apart,
    onDecided: (text) => {
      note.textContent = text;
    },
  };
  setInterval(() => {
    for (const { tick } of cards.values()) tick();
  }, 1_000);

  return ({ at, approvals, approvalsHeld }) => {
    apart = Date.parse(at) - Date.now();
    const wanted = new Map(approvals.map((each) => [`${each.executionId}/${each.step}`, each]));
    for (const [key, { element }] of cards) {
      if (wanted.has(key)) continue;
      element.remove();
      cards.delete(key);
    }
    if (wanted.size === 0) {
      host.replaceChildren(empty('Nothing waits for a person.'));
      return;
    }
    if (cards.size === 0) host.replaceChildren();
    for (const [key, approval] of wanted) {
      const card = cards.get(key) ?? createCard(approval, around);
      if (cards.has(key)) continue;
      cards.set(key, card);
      host.append(card.element);
    }
    leftOut.remove();
    if (wanted.size === approvalsHeld) return;
    leftOut.textContent = `The first ${wanted.size} of ${count(approvalsHeld)}, by when they become void.`;
    host.append(leftOut);
  };
};
