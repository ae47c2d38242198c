/** Runs a small stack until it is killed: the process whose death must not leave servers behind. */
import { cacheDirectoryOf } from '../../../connectors/stack/cache-directory.ts';
import { startStack } from '../../../connectors/stack/start-stack.ts';

const [, , dataDirectory = ''] = process.argv;
const stack = await startStack({
  dataDirectory,
  cacheDirectory: cacheDirectoryOf(process.env),
  ports: 'free',
  servers: ['kafka', 'postgres', 'redis'],
  environment: process.env,
});
process.stdout.write(`${JSON.stringify(stack.servers())}\n`);
