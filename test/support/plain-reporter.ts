/** Ends a run with one plain line, `N passed, N failed`, for those who read nothing else. */
import type { Reporter, TestModule } from 'vitest/node';

export default class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    for (const each of modules) {
      // A file that cannot be loaded has no tests to fail, and has failed all the same.
      if (each.state() === 'failed' && each.children.size === 0) failed += 1;
      for (const test of each.children.allTests()) {
        if (test.result().state === 'passed') passed += 1;
        else if (test.result().state === 'failed') failed += 1;
      }
    }
    // After the last word of the other reporters and of the servers that stop.
    process.once('exit', () => process.stdout.write(`\n${passed} passed, ${failed} failed\n`));
  }
}
