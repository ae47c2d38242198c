import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The password of a database's first account: made by chance on the first start, kept in a file that only the owner reads. */
export const serverPassword = async (
  dataDirectory: string,
  server: 'postgres' | 'mariadb',
): Promise<string> => {
  const file = join(dataDirectory, `${server}-password`);
  await mkdir(dataDirectory, { recursive: true });
  try {
    await writeFile(file, randomBytes(18).toString('base64url'), { flag: 'wx', mode: 0o600 });
  } catch {
    // It was made by an earlier start.
  }
  return (await readFile(file, 'utf8')).trim();
};
