// The gateway listens on loopback alone. In a container that is nobody's: this passes on what Docker publishes to 127.0.0.1 of the
// machine, and is started by docker-compose.yml for that alone.
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';

const port = Number(process.argv[2] ?? 7400);
const addresses = Object.values(networkInterfaces())
  .flat()
  .filter(({ family, internal }) => family === 'IPv4' && !internal)
  .map(({ address }) => address);

for (const address of addresses) {
  createServer((outside) => {
    const inside = connect(port, '127.0.0.1');
    const end = () => {
      outside.destroy();
      inside.destroy();
    };
    outside.on('error', end).on('close', end);
    inside.on('error', end).on('close', end);
    outside.pipe(inside).pipe(outside);
  }).listen(port, address);
}
