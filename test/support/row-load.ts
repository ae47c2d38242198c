/** Random changes of a data plane's rows from a seed: inserts, updates, deletes, key changes, long texts that shrink. */
import type { Client } from 'pg';
import { seededRandom } from '../../connectors/sample-source/seeded-random.ts';

export const longText = (
  random: { integer(least: number, most: number): number },
  sentences: number,
): string =>
  Array.from(
    { length: sentences },
    (_, at) => `Sentence ${at} says ${random.integer(1, 9)} of ${random.integer(1, 99)} words.`,
  ).join(' ');

export interface RowLoad {
  /** Makes so many changes, one after the other. */
  change(times: number): Promise<void>;
  /** Changes on until told to stop; gives how many were made. */
  run(): { stop(): Promise<number> };
}

export const createRowLoad = (client: Client, seed: number, keys = 40): RowLoad => {
  const random = seededRandom(seed, 'row-load');
  const key = (): number => random.integer(1, keys);
  const once = async (): Promise<void> => {
    const id = key();
    const tenant = random.integer(0, 3) === 0 ? 'brim' : 'acme';
    switch (random.integer(0, 9)) {
      case 0:
        await client.query('DELETE FROM articles WHERE id = $1', [id]);
        return;
      case 1:
        await client.query(
          'UPDATE articles SET id = $2 WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM articles WHERE id = $2)',
          [id, key()],
        );
        return;
      case 2:
        await client.query('UPDATE articles SET category = $2, views = views + 1 WHERE id = $1', [
          id,
          `c${random.integer(0, 5)}`,
        ]);
        return;
      default: {
        const text = longText(
          random,
          random.integer(0, 2) === 0 ? random.integer(40, 80) : random.integer(0, 8),
        );
        await client.query(
          `INSERT INTO articles (id, tenant, title, category, body) VALUES ($1, $2, $3, 'a', $4)
           ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, title = excluded.title, body = excluded.body`,
          [id, tenant, `Article ${id}`, text],
        );
      }
    }
  };
  const change = async (times: number): Promise<void> => {
    for (let made = 0; made < times; made += 1) await once();
  };
  return {
    change,
    run: () => {
      let stopped = false;
      const running = (async () => {
        let made = 0;
        for (; !stopped; made += 1) {
          await once();
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return made;
      })();
      return {
        stop: () => {
          stopped = true;
          return running;
        },
      };
    },
  };
};
