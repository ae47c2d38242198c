// The load of every peer: warms up, then at each concurrency as many executions as fit the time, each awaited to its durable end.
// Talks to the bench in lines of JSON: {"measuring": c} before, {"measured": c, executions, seconds} after.

export const STEPS = 20;
const [, , settings] = process.argv;
/** {url of a database made for this peer, folder of its own, concurrencies, seconds of each, warmUpSeconds, pool} */
export const asked = JSON.parse(settings);

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const runFor = async (execute, concurrency, seconds) => {
  const end = performance.now() + seconds * 1_000;
  let begun = 0;
  let ended = 0;
  const lane = async () => {
    while (performance.now() < end) {
      begun += 1;
      await execute(`${process.pid}-${concurrency}-${begun}-${Math.round(performance.now())}`);
      ended += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return ended;
};

// Whoever asked is gone.
process.stdin.once('end', () => process.exit(1));

/** `execute(id)` resolves when the execution of that id has ended durably, with the sum that its tools came to. */
export const measure = async (execute) => {
  const checked = async (id) => {
    const sum = await execute(id);
    if (sum !== EXPECTED) throw new Error(`an execution came to ${sum}, not ${EXPECTED}`);
  };
  for (const concurrency of asked.concurrencies) {
    await runFor(checked, concurrency, asked.warmUpSeconds);
    say({ measuring: concurrency });
    const begun = performance.now();
    const executions = await runFor(checked, concurrency, asked.seconds);
    const seconds = (performance.now() - begun) / 1_000;
    say({ measured: concurrency, executions, seconds });
    // The bench looks now at what the processes have used, and says when it has.
    await new Promise((resolve) => process.stdin.once('data', resolve));
  }
  process.exit(0);
};

/** An instant model asks for one addition a turn, ten turns; the tool does it. Two steps a turn, journaled each. */
export const TURNS = STEPS / 2;
export const askModel = (turn) => ({ role: 'assistant', content: '', call: { name: 'add', a: turn, b: 1 } });
export const runTool = ({ a, b }) => a + b;
const EXPECTED = Array.from({ length: TURNS }, (_, turn) => runTool(askModel(turn).call)).reduce(
  (x, y) => x + y,
  0,
);
