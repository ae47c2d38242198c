// DBOS on Postgres: one workflow, twenty steps, each recorded before the next begins. In its favour: called in the process that
// runs it, without a queue between, and with a pool of connections larger than its default.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { asked, askModel, measure, runTool, TURNS } from './measure.mjs';

DBOS.setConfig({
  name: 'freshet-bench',
  systemDatabaseUrl: asked.url,
  systemDatabasePoolSize: asked.pool,
  logLevel: 'error',
});

const agent = DBOS.registerWorkflow(
  async () => {
    let sum = 0;
    for (let turn = 0; turn < TURNS; turn += 1) {
      const { call } = await DBOS.runStep(async () => askModel(turn), { name: 'model' });
      sum += await DBOS.runStep(async () => runTool(call), { name: 'tool' });
    }
    return sum;
  },
  { name: 'agent' },
);

await DBOS.launch();
await measure(async (id) => {
  const handle = await DBOS.startWorkflow(agent, { workflowID: id })();
  return handle.getResult();
});
