/** `freshet pipeline | index | agents | gateway`: one role each, scaled out by running more of them. */
import { type Command, Option } from 'commander';
import { portNumber } from '../port-number.ts';
import { type RoleContext, type RoleSettings, type RunningRole, runRole } from '../roles/role-process.ts';
import { findRun } from '../run-file.ts';
import { addIndexCommands } from './index-command.ts';
import type { Surroundings } from './surroundings.ts';

/** The settings of a role as a command line gives them: numbers and lists are text yet. */
type RoleOptions = Omit<RoleSettings, 'port' | 'peers'> & Readonly<Record<'port' | 'peers', string>>;

interface Role {
  readonly description: string;
  readonly load: () => Promise<(context: RoleContext) => Promise<RunningRole>>;
}

// Each role loads only what it runs: a gateway starts without the embedding model's libraries.
const ROLES: Readonly<Record<string, Role>> = {
  pipeline: {
    description: 'changes to documents; journal to task states, results and costs',
    load: async () => (await import('../roles/pipeline-role.ts')).startPipelineRole,
  },
  index: {
    description: 'documents to the vector index, and its searches',
    load: async () => (await import('../roles/index-role.ts')).startIndexRole,
  },
  agents: {
    description: 'tasks to executions',
    load: async () => (await import('../roles/agents-role.ts')).startAgentsRole,
  },
  gateway: {
    description: 'HTTP, event streams, dashboard',
    load: async () => (await import('../roles/gateway-role.ts')).startGatewayRole,
  },
};

const settingsOf = (options: RoleOptions): RoleSettings => ({
  ...options,
  port: portNumber(options.port),
  peers: options.peers.split(',').filter((peer) => peer !== ''),
});

export const addRoleCommands = (freshet: Command, surroundings: Surroundings): void => {
  // A further copy beside what runs in this folder finds everything where that has it.
  const run = findRun(surroundings.root);
  for (const [role, { description, load }] of Object.entries(ROLES)) {
    const command = freshet
      .command(role)
      .description(description)
      .addOption(
        new Option('--name <name>', 'names this copy; its folder in --data')
          .default(`${role}-1`)
          .env('FRESHET_NAME'),
      )
      .addOption(
        new Option('--kafka <host:port,…>', 'brokers')
          .default(run?.kafka ?? '127.0.0.1:19092')
          .env('FRESHET_KAFKA'),
      )
      .addOption(
        new Option('--registry <url>', "schema registry, Confluent's API")
          .default(run?.schemaRegistry ?? 'http://127.0.0.1:18081/apis/ccompat/v7')
          .env('FRESHET_REGISTRY'),
      )
      .addOption(
        new Option('--connect <url>', 'Kafka Connect')
          .default(run?.connect ?? 'http://127.0.0.1:18083')
          .env('FRESHET_CONNECT'),
      )
      .addOption(
        new Option('--connect-registry <url>', 'the registry as Kafka Connect reaches it, where that differs')
          .default('')
          .env('FRESHET_CONNECT_REGISTRY'),
      )
      .addOption(
        new Option(
          '--connect-loopback <host>',
          'how Kafka Connect calls this machine, where it is in a container',
        )
          .default('')
          .env('FRESHET_CONNECT_LOOPBACK'),
      )
      .addOption(
        new Option('--config <file>', 'what to index and which agents run')
          .default(run?.config ?? 'freshet.config.ts')
          .env('FRESHET_CONFIG'),
      )
      .addOption(
        new Option('--data <folder>', 'for what can be rebuilt')
          .default('.freshet/data/roles')
          .env('FRESHET_DATA'),
      )
      .addOption(
        new Option('--models <folder>', 'model.onnx and tokenizer.json')
          .default(run?.models ?? '.freshet/models')
          .env('FRESHET_MODELS'),
      )
      .addOption(new Option('--port <port>', 'loopback port; 0 picks one').default('0').env('FRESHET_PORT'))
      .addOption(
        new Option('--timings <yes|no>', 'index: no, where another replica tells how long changes took')
          .choices(['yes', 'no'])
          .default('yes')
          .env('FRESHET_TIMINGS'),
      )
      .addOption(
        new Option('--index <urls>', 'replicas of the index role, separated by commas')
          .default(run?.index ?? 'http://127.0.0.1:7401')
          .env('FRESHET_INDEX'),
      )
      .addOption(
        new Option('--redis <url>', 'sessions of agents, counters')
          .default(run?.redis ?? 'redis://127.0.0.1:16379')
          .env('FRESHET_REDIS'),
      )
      .addOption(
        new Option('--peers <urls>', 'roles whose metrics the gateway passes on')
          .default('')
          .env('FRESHET_PEERS'),
      )
      .addOption(
        new Option(
          '--otlp-endpoint <url>',
          'a collector of traces, OTLP over HTTP; without one, no spans are made',
        )
          .default('')
          .env('OTEL_EXPORTER_OTLP_ENDPOINT'),
      )
      .addOption(
        new Option('--log-level <level>', 'debug: each step of an execution too')
          .choices(['debug', 'info', 'warn', 'error'])
          .default('info')
          .env('FRESHET_LOG_LEVEL'),
      )
      .addOption(new Option('--sample-url <url>').default(run?.sampleUrl ?? '').hideHelp())
      .action(async (options: RoleOptions) => runRole(role, settingsOf(options), await load()));
    if (role === 'index') addIndexCommands(command, surroundings);
  }
};
