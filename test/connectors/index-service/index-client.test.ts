/** An index role that goes while it answers. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { openIndexClient } from '../../../connectors/index-service/index-client.ts';

const all = async (items: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of items);
};

test('an answer that breaks off is an index that is not there', async () => {
  const dying = createServer((_, response) => {
    response.writeHead(200);
    response.write('{"records":1}\n{"rec', () => response.destroy());
  });
  dying.listen(0, '127.0.0.1');
  await once(dying, 'listening');
  try {
    const client = openIndexClient(`http://127.0.0.1:${(dying.address() as AddressInfo).port}`);
    const gone = { code: 'index-unavailable', message: expect.stringContaining('npx freshet doctor') };
    await expect(client.status()).rejects.toMatchObject(gone);
    await expect(client.describe(['shop/1'])).rejects.toMatchObject(gone);
    await expect(all(client.rebuild())).rejects.toMatchObject(gone);
    await expect(all(client.list('shop', 'articles'))).rejects.toMatchObject(gone);
  } finally {
    dying.close();
  }
});
