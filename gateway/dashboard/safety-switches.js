// The switches that stop agents: those in force, each with a way to lift it, and a form to set one.
import { askWhy } from './ask-why.js';
import { byId, make, requiredText, since } from './elements.js';
import { request } from './requests.js';

/** No name of an agent. */
const EVERY = '*';

const pathOf = (agent, tenant, verb) =>
  agent === null
    ? `/v1/tenants/${encodeURIComponent(tenant)}/${verb}`
    : `/v1/agents/${encodeURIComponent(agent)}/${verb}`;

/** A switch of an agent names its tenant in the body; one of a tenant, in the path. */
const turn = (agent, tenant, verb, reason) =>
  request(pathOf(agent, tenant, verb), {
    reason,
    ...(agent === null || tenant === null ? {} : { tenant }),
  });

const nameOf = ({ agent, tenant }) =>
  `${agent ?? 'every agent'} for ${tenant === null ? 'all tenants' : `tenant ${tenant}`}`;

const row = (kill) => {
  const asking = make('div');
  const lift = make('button', {
    class: 'secondary',
    type: 'button',
    text: 'Lift',
    'aria-label': `Lift the switch: ${nameOf(kill)}`,
    onclick: () =>
      askWhy(
        asking,
        { says: `${nameOf(kill)} works again within a second.`, confirm: 'Lift it', back: lift },
        (reason) => turn(kill.agent, kill.tenant, 'revive', reason),
      ),
  });
  return make(
    'li',
    {},
    make(
      'div',
      { class: 'switch' },
      make(
        'div',
        {},
        make('strong', { text: nameOf(kill) }),
        make(
          'p',
          { class: 'muted' },
          `stopped by ${kill.by} `,
          since(kill.at),
          kill.reason ? `: ${kill.reason}` : '',
        ),
      ),
      lift,
    ),
    asking,
  );
};

export const createSafetySwitches = () => {
  const list = byId('safety-kills');
  const form = byId('kill-form');
  const note = byId('kill-note');
  const { agent, tenant, reason } = form.elements;
  const rows = new Map();
  let shown = 0;

  const check = () =>
    tenant.setCustomValidity(
      agent.value === EVERY && tenant.value.trim() === ''
        ? 'Name the tenant that every agent is stopped for.'
        : '',
    );
  agent.addEventListener('change', check);
  tenant.addEventListener('input', check);

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('button');
    const of = { agent: agent.value === EVERY ? null : agent.value, tenant: tenant.value.trim() || null };
    const why = requiredText(reason);
    if (why === '') return;
    button.disabled = true;
    try {
      await turn(of.agent, of.tenant, 'kill', why);
      note.textContent = `Stopped: ${nameOf(of)}.`;
      note.className = 'muted';
      form.reset();
    } catch (error) {
      note.textContent = error.message;
      note.className = 'trouble';
    }
    button.disabled = false;
  });

  return {
    kills: (kills) => {
      const wanted = new Map(kills.map((kill) => [JSON.stringify([kill.agent, kill.tenant, kill.at]), kill]));
      for (const [key, element] of rows) {
        if (wanted.has(key)) continue;
        element.remove();
        rows.delete(key);
      }
      // What was said of the last one is no news any more.
      if (wanted.size < shown) note.textContent = '';
      shown = wanted.size;
      for (const [key, kill] of wanted) {
        if (rows.has(key)) continue;
        rows.set(key, row(kill));
        list.append(rows.get(key));
      }
      byId('safety-kills-empty').hidden = wanted.size > 0;
    },
    agents: (names) => {
      if (agent.options.length === names.length + 1) return;
      agent.replaceChildren(
        ...names.map((name) => make('option', { value: name, text: name })),
        make('option', { value: EVERY, text: 'every agent' }),
      );
    },
  };
};
