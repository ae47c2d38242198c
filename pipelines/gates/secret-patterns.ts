/**
 * What credentials look like, by their makers' own prefixes and lengths: few and exact, as a false one costs a document its
 * text. Anchors in lower case make a pattern blind to case.
 */
import type { GateReason } from '../../schemas/gates.ts';
import { type LinearPattern, linearPattern } from './linear-pattern.ts';
import { PRIVATE_KEY_PATTERN } from './private-key-pattern.ts';

export interface SecretPattern {
  readonly name: string;
  readonly reason: GateReason<'secrets'>;
  readonly pattern: LinearPattern;
}

const secret = (
  name: string,
  reason: GateReason<'secrets'>,
  anchors: readonly string[],
  pattern: string,
): SecretPattern => ({ name, reason, pattern: linearPattern(pattern, anchors) });

export const SECRET_PATTERNS: readonly SecretPattern[] = [
  { name: 'private key', reason: 'private-key', pattern: PRIVATE_KEY_PATTERN },
  secret('AWS access key', 'access-key', ['AKIA', 'ASIA'], '\\b((?:AKIA|ASIA)[A-Z0-9]{16})\\b'),
  secret('Google API key', 'access-key', ['AIza'], '\\b(AIza[A-Za-z0-9_-]{35})'),
  secret(
    'GitHub token',
    'token',
    ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'],
    '\\b((?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,}))',
  ),
  secret('GitLab token', 'token', ['glpat-'], '\\b(glpat-[A-Za-z0-9_-]{20,64})'),
  secret(
    'Slack token',
    'token',
    ['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-'],
    '\\b(xox[bpars]-[A-Za-z0-9-]{10,})',
  ),
  secret(
    'Stripe key',
    'access-key',
    ['sk_live_', 'rk_live_', 'sk_test_'],
    '\\b([sr]k_(?:live|test)_[A-Za-z0-9]{16,})',
  ),
  secret('model provider key', 'access-key', ['sk-'], '\\b(sk-(?:proj-|ant-|or-)?[A-Za-z0-9_-]{32,})'),
  secret('npm token', 'token', ['npm_'], '\\b(npm_[A-Za-z0-9]{36})\\b'),
  secret(
    'JSON web token',
    'token',
    ['eyJ'],
    '\\b(eyJ[A-Za-z0-9_-]{10,}\\.eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]{10,})',
  ),
  secret('bearer token', 'token', ['bearer '], '\\bbearer\\s+([a-z0-9_~+/.-]{20,}=*)'),
  secret(
    'password in a URL',
    'password',
    ['://'],
    '[a-z][a-z0-9+.-]{1,20}://[^\\s/:@"\'<>]{1,100}:([^\\s/@"\'<>]{3,})@',
  ),
  secret(
    'password',
    'password',
    [...['password', 'passwd', 'secret', 'api_key', 'apikey', 'api-key', 'access_token'], 'private_key'],
    // Escaped where a text holds JSON or a file of settings: `\"password\":\"…\"`, `\npassword=…`.
    '(?:\\b|_|\\\\[nrt])(?:password|passwd|client_secret|secret_key|secret_?access_?key|private_key|api[_-]?key|access_token)\\\\{0,3}["\']?\\s{0,3}[:=]\\s{0,3}\\\\{0,3}["\']?([^\\s"\'<>,;]{7,}[^\\s"\'<>,;\\\\])',
  ),
];
