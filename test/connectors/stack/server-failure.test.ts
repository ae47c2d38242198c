import { expect, test } from 'vitest';
import { progressOf } from '../../../connectors/stack/maven.ts';
import { type Failure, serverFailure } from '../../../connectors/stack/server-failure.ts';

const GIB = 1024 ** 3;
const failure = (log: string, more: Partial<Failure> = {}) =>
  serverFailure({ server: 'connect', what: 'died', log, logFile: '/logs/x', freeBytes: GIB, ...more });

test('a full disk is named as such, whichever server says so', () => {
  const kafka = 'java.io.IOException: No space left on device\n\tat java.base/sun.nio.ch.FileDispatcherImpl';
  const postgres = 'FATAL:  could not write lock file "postmaster.pid": No space left on device';
  for (const log of [kafka, postgres]) {
    expect(failure(log).code).toBe('disk-full');
  }
});

test('a disk too full for the log itself is named too', () => {
  expect(failure('', { freeBytes: 4096 }).code).toBe('disk-full');
});

test('a port taken after the check is still named', () => {
  const log = 'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use';
  expect(failure(log).code).toBe('port-in-use');
});

test('what was logged last is shown without stack frames', () => {
  const error = failure('first\nboom\n\tat a.b.C(D.java:1)\n\t... 3 more\n');
  expect(error.code).toBe('server-failed');
  expect(error.message).toBe('connect died: see /logs/x. It logged last:\nfirst\nboom');
});

test("Maven's lines become progress without addresses", () => {
  const base = 'Downloaded from central: https://registry.invalid/maven2/org/apache/kafka';
  const line = `${base}/kafka_2.13/4.3.1/kafka_2.13-4.3.1.jar (8.1 MB at 14 MB/s)`;
  expect(progressOf(line)).toBe('kafka_2.13-4.3.1.jar, 8.1 MB');
  expect(progressOf(`[INFO] ${line}`)).toBe('kafka_2.13-4.3.1.jar, 8.1 MB');
  expect(progressOf('[INFO] Unpacking /root/.m2/repository/a/b.tar.gz to')).toBeUndefined();
  expect(progressOf('[INFO] Scanning for projects...')).toBeUndefined();
});
