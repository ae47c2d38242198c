// Puts the panels together and feeds them.
import { byId, make } from './elements.js';
import { createExecutionsPanel } from './executions-panel.js';
import { createFreshnessPanel } from './freshness-panel.js';
import { openLiveFeed } from './live-feed.js';
import { createPipelineStrip } from './pipeline-strip.js';
import { createQuarantinePanel } from './quarantine-panel.js';
import { createSearchPanel } from './search-panel.js';
import { createTaskPanel } from './task-panel.js';

const STATES = { live: 'Live', waiting: 'Reconnecting', lost: 'No connection to the gateway' };

const search = createSearchPanel();
const executions = createExecutionsPanel(search.trace);
const tasks = createTaskPanel(executions.open);
const showFreshness = createFreshnessPanel();
const showPipeline = createPipelineStrip();
const showQuarantine = createQuarantinePanel();

const showStatus = (status) => {
  showPipeline(status);
  showQuarantine(status);
  const names = status.agents.map((agent) => agent.name);
  tasks.agents(names);
  executions.agents(names);
  for (const field of document.querySelectorAll('input[name="tenant"]'))
    field.placeholder = status.localTenant;
};

openLiveFeed({ freshness: showFreshness, executions: executions.update, status: showStatus }, (state) => {
  const live = byId('live');
  live.dataset.state = state;
  live.replaceChildren(make('span', { text: STATES[state] }));
});
