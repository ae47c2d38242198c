// Puts the panels together and feeds them.
import { createAgentsPanel } from './agents-panel.js';
import { showBacklog } from './backlog.js';
import { createBehavioursPanel } from './behaviours-panel.js';
import { createCostsPanel } from './costs-panel.js';
import { createDeadLettersPanel } from './dead-letters-panel.js';
import { createDocumentsPanel } from './documents-panel.js';
import { byId, make } from './elements.js';
import { createExecutionsPanel } from './executions-panel.js';
import { createFreshnessPanel } from './freshness-panel.js';
import { openLiveFeed } from './live-feed.js';
import { createOverview } from './overview.js';
import { createPipelineStrip } from './pipeline-strip.js';
import { createQuarantinePanel } from './quarantine-panel.js';
import { createReplayPanel } from './replay-panel.js';
import { request } from './requests.js';
import { createSafetyPanel } from './safety-panel.js';
import { createTaskPanel } from './task-panel.js';
import { createUsedPanel } from './used-panel.js';

const STATES = { live: 'Live', waiting: 'Reconnecting', lost: 'No connection to the gateway' };

const overview = createOverview();
const showTables = createDocumentsPanel();
/** Versions of each agent that an execution can be held against. */
let behaviours = [];
request('/v1/behaviours').then(
  (answer) => {
    behaviours = answer.behaviours;
  },
  () => undefined,
);
const versionsOf = (agent) => behaviours.filter((each) => each.agent === agent).map(({ version }) => version);
const executions = createExecutionsPanel(versionsOf);
const tasks = createTaskPanel(executions.open);
const safety = createSafetyPanel(executions.open, overview.hear('budgets'));
const showFreshness = createFreshnessPanel();
const showPipeline = createPipelineStrip();
const showQuarantine = createQuarantinePanel();
const showDeadLetters = createDeadLettersPanel();
const showReplay = createReplayPanel();
createUsedPanel(executions.open);
createCostsPanel(executions.open);
createAgentsPanel(overview.hear('agents'));
createBehavioursPanel();

const showStatus = (status) => {
  showPipeline(status);
  showBacklog(status);
  showTables(status);
  showQuarantine(status);
  showDeadLetters(status);
  showReplay(status);
  const names = status.agents.map((agent) => agent.name);
  tasks.agents(names);
  executions.agents(names);
  safety.agents(names);
  for (const field of document.querySelectorAll('input[name="tenant"]:not([data-all])'))
    field.placeholder = status.localTenant;
};

const both = (name, show) => {
  const hear = overview.hear(name);
  return (told) => {
    hear(told);
    show(told);
  };
};

openLiveFeed(
  {
    freshness: both('freshness', showFreshness),
    executions: executions.update,
    safety: both('safety', safety.update),
    status: both('status', showStatus),
  },
  (state) => {
    overview.live(state);
    const live = byId('live');
    live.dataset.state = state;
    live.replaceChildren(make('span', { text: STATES[state] }));
  },
);
