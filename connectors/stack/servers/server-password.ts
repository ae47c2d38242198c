import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

type PasswordServer = 'postgres' | 'mariadb';

export const passwordFile = (dataDirectory: string, server: PasswordServer): string =>
  join(dataDirectory, `${server}-password`);

/** The password of a database's first account: made by chance on the first start, kept in a file that only the owner reads. */
export const serverPassword = async (dataDirectory: string, server: PasswordServer): Promise<string> => {
  const file = passwordFile(dataDirectory, server);
  await mkdir(dataDirectory, { recursive: true });
  try {
    await writeFile(file, randomBytes(18).toString('base64url'), { flag: 'wx', mode: 0o600 });
  } catch {
    // It was made by an earlier start.
  }
  return (await readFile(file, 'utf8')).trim();
};
