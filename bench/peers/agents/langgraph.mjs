// LangGraph.js with its Postgres saver. A graph of two nodes, model and tool, that loop ten times: twenty supersteps, each one a
// checkpoint. `durability: 'sync'`: the next step begins when the checkpoint is in Postgres, as a step of Freshet's that is
// acknowledged is in Kafka. In its favour: a plain list of messages as state, and a pool of connections larger than its default.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import pg from 'pg';
import { asked, askModel, measure, runTool, STEPS, TURNS } from './measure.mjs';

const State = Annotation.Root({
  messages: Annotation({ reducer: (before, more) => [...before, ...more], default: () => [] }),
});
const saver = new PostgresSaver(new pg.Pool({ connectionString: asked.url, max: asked.pool }));
await saver.setup();

const turnsOf = ({ messages }) => messages.filter(({ role }) => role === 'tool').length;
const graph = new StateGraph(State)
  .addNode('model', (state) => ({ messages: [askModel(turnsOf(state))] }))
  .addNode('tool', ({ messages }) => ({
    messages: [{ role: 'tool', content: runTool(messages.at(-1).call) }],
  }))
  .addEdge(START, 'model')
  .addEdge('model', 'tool')
  .addConditionalEdges('tool', (state) => (turnsOf(state) < TURNS ? 'model' : END))
  .compile({ checkpointer: saver });

await measure(async (id) => {
  const { messages } = await graph.invoke(
    { messages: [{ role: 'user', content: `task ${id}` }] },
    { configurable: { thread_id: id }, durability: 'sync', recursionLimit: 2 * STEPS },
  );
  return messages.reduce((sum, { role, content }) => sum + (role === 'tool' ? content : 0), 0);
});
