/** `npm run bench -- <name> [--json] [--runs n] [--seconds n] [--rate n] [--rows n]`: runs one bench; without a name, lists them. */
import { parseArgs } from 'node:util';
import { agentThroughputBench } from './agent-throughput.ts';
import { agentsInFlightBench } from './agents-in-flight.ts';
import { agentsPeersBench } from './agents-peers.ts';
import { canaryVerdictsBench } from './canary-verdicts.ts';
import { embeddingThroughputBench } from './embedding-throughput.ts';
import { freshnessBenches } from './freshness.ts';
import { keywordBenches } from './keyword-memory.ts';
import { loadBench } from './load.ts';
import { longTermRecallBench } from './long-term-recall.ts';
import { memoryBench } from './memory.ts';
import { memorySoakBench } from './memory-soak.ts';
import { peersBenches } from './peers.ts';
import { replayBench } from './replay.ts';
import { retrievalBench } from './retrieval/retrieval.ts';
import { safetyCheckBench } from './safety-check.ts';
import { scaleBenches } from './scale.ts';
import { sessionMemoryBench } from './session-memory.ts';
import { stepOverheadBench } from './step-overhead.ts';
import { type Bench, isReached, keepResult, machineFacts, medianFigures } from './support/bench.ts';
import { sustainedBenches } from './sustained.ts';
import { takeoverBench } from './takeover.ts';
import { telemetryBench } from './telemetry.ts';
import { watermarkBench } from './watermark.ts';

const BENCHES: readonly Bench[] = [
  ...freshnessBenches,
  ...sustainedBenches,
  loadBench,
  embeddingThroughputBench,
  memoryBench,
  sessionMemoryBench,
  memorySoakBench,
  longTermRecallBench,
  ...peersBenches,
  stepOverheadBench,
  safetyCheckBench,
  telemetryBench,
  replayBench,
  agentThroughputBench,
  agentsPeersBench,
  takeoverBench,
  canaryVerdictsBench,
  agentsInFlightBench,
  ...scaleBenches,
  retrievalBench,
  ...keywordBenches,
  watermarkBench,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    rate: { type: 'string' },
    rows: { type: 'string' },
  },
});
const tell = (line: string): void => void process.stderr.write(`  ${line}\n`);
const [name] = positionals;
const bench = BENCHES.find((each) => each.name === name);

if (!bench) {
  if (name !== undefined) tell(`there is no bench named ${name}`);
  for (const each of BENCHES) process.stdout.write(`${each.name.padEnd(20)} ${each.measures}\n`);
  process.exitCode = name === undefined ? 0 : 2;
} else {
  const ended = new AbortController();
  process.once('SIGINT', () => ended.abort());
  const machine = machineFacts();
  const asked = Object.fromEntries(
    (['seconds', 'rate', 'rows'] as const).flatMap((each) =>
      values[each] === undefined ? [] : [[each, Number(values[each])]],
    ),
  );
  const runs = [];
  const count = Number(values.runs ?? bench.runs);
  for (let at = 1; at <= count && !ended.signal.aborted; at += 1) {
    tell(`${bench.name}: run ${at} of ${count}`);
    runs.push(await bench.run(tell, ended.signal, { run: at, ...asked }));
  }
  const figures = medianFigures(runs);
  const result = {
    name: bench.name,
    measures: bench.measures,
    at: new Date().toISOString(),
    machine,
    runs: runs.length,
    figures,
    each: runs,
  };
  const file = keepResult(bench.name, result);
  if (values.json)
    process.stdout.write(
      `${JSON.stringify({ name: bench.name, machine, figures: Object.fromEntries(Object.entries(figures).map(([key, { value }]) => [key, value])) })}\n`,
    );
  else {
    for (const [key, figure] of Object.entries(figures)) {
      const target =
        figure.target === undefined
          ? ''
          : 'atMost' in figure.target
            ? `at most ${figure.target.atMost}`
            : `at least ${figure.target.atLeast}`;
      process.stdout.write(
        `${key.padEnd(34)} ${String(figure.value).padStart(10)} ${figure.unit.padEnd(8)} ${target} ${target ? (isReached(figure) ? 'reached' : 'NOT REACHED') : ''}\n`,
      );
    }
  }
  tell(`kept in ${file}`);
}
