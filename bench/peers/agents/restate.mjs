// Restate: its own server, a child of this process, with its defaults (its log is synced to the disk), and one service whose handler runs
// twenty `ctx.run`, each journaled by the server before the next begins. Called over its HTTP ingress, as its users do.
// In its favour: service and caller share a process, and connections are kept.
import { spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as restate from '@restatedev/restate-sdk';
import { asked, askModel, measure, runTool, TURNS } from './measure.mjs';

// Its SDK asks for this; Node has it from 22 on.
Promise.withResolvers ??= () => {
  const deferred = {};
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
};

const freePorts = async (count) => {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
};

const [ingress, admin, node, service] = await freePorts(4);
const binary = createRequire(import.meta.url).resolve(
  `@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
);
spawn(
  binary,
  ['--no-logo', '--base-dir', join(asked.folder, 'restate'), '--node-name', 'bench', '--bind-port', node],
  {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_IP: '127.0.0.1',
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_PORT: String(admin),
      RESTATE_LOG_FILTER: 'error',
      // Nobody outside is told of a run.
      RESTATE_DISABLE_TELEMETRY: 'true',
      DO_NOT_TRACK: '1',
    },
  },
);

const agent = restate.service({
  name: 'agent',
  handlers: {
    run: async (ctx) => {
      let sum = 0;
      for (let turn = 0; turn < TURNS; turn += 1) {
        const { call } = await ctx.run('model', async () => askModel(turn));
        sum += await ctx.run('tool', async () => runTool(call));
      }
      return sum;
    },
  },
});
await restate.serve({ services: [agent], port: service });

const keptAlive = new Agent({ keepAlive: true });
const post = (port, path, body, headers = {}) =>
  new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: '127.0.0.1', port, path, method: 'POST', agent: keptAlive },
        headers: { 'content-type': 'application/json', ...headers },
      },
      (response) => {
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('end', () => {
          const text = Buffer.concat(pieces).toString();
          if (response.statusCode < 300) resolve(JSON.parse(text));
          else reject(new Error(`${path}: ${response.statusCode} ${text}`));
        });
      },
    );
    sent.once('error', reject);
    sent.end(JSON.stringify(body));
  });

for (const until = performance.now() + 60_000; ; await sleep(250)) {
  try {
    await post(admin, '/deployments', { uri: `http://127.0.0.1:${service}` });
    break;
  } catch (error) {
    if (performance.now() > until) throw error;
  }
}
await measure((id) => post(ingress, '/agent/run', { id }, { 'idempotency-key': id }));
