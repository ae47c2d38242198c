import { expect, test } from 'vitest';
import { javaVersion } from '../../../connectors/stack/find-commands.ts';
import { planInstall } from '../../../connectors/stack/package-install.ts';

test('the advice is one line that a person can paste', () => {
  const plan = planInstall('apt-get', ['java', 'redis'], { privileged: false });
  expect(plan.line).toBe(
    'sudo apt-get update && sudo apt-get install -y --no-install-recommends openjdk-17-jre-headless redis-tools',
  );
  expect(plan.install.slice(0, 2)).toEqual(['sudo', '-n']);
});

test('a newer Java stands in where 17 is not packaged', () => {
  const plan = planInstall('apt-get', ['java'], { privileged: true, javaPackage: 'openjdk-21-jre-headless' });
  expect(plan.install.at(-1)).toBe('openjdk-21-jre-headless');
  expect(plan.install[0]).toBe('env');
});

test('Homebrew never runs as another account', () => {
  expect(planInstall('brew', ['maven', 'java'], { privileged: false }).install).toEqual([
    ...['brew', 'install', 'maven', 'openjdk@17'],
  ]);
});

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['openjdk version "21" 2023-09-19', 21],
  ['java version "1.8.0_392"', 8],
  ['no java here', undefined],
])('%s', (description, version) => {
  expect(javaVersion(description)).toBe(version);
});
