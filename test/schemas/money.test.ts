import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatUsd, parseUsd, priceOf } from '../../schemas/money.ts';

const AMOUNTS = fc.bigInt({ min: 0n, max: 10n ** 20n });

test('every amount is written and read without loss, and sums are exact', () => {
  fc.assert(
    fc.property(AMOUNTS, AMOUNTS, (a, b) => {
      expect(parseUsd(formatUsd(a))).toBe(a);
      expect(parseUsd(formatUsd(a)) + parseUsd(formatUsd(b))).toBe(parseUsd(formatUsd(a + b)));
    }),
  );
  expect(formatUsd(parseUsd('0.1') + parseUsd('0.2'))).toBe('0.3');
  expect(formatUsd(parseUsd('12.50'))).toBe('12.5');
});

test('a price is never below the real one, nor a picodollar above it', () => {
  const price = { inputPerMillionUsd: '0.15', outputPerMillionUsd: '0.6' };
  expect(formatUsd(priceOf({ inputTokens: 1_000_000, outputTokens: 2_000_000 }, price))).toBe('1.35');
  expect(formatUsd(priceOf({ inputTokens: 1, outputTokens: 0 }, price))).toBe('0.00000015');
  fc.assert(
    fc.property(fc.nat(1e9), fc.nat(1e9), (inputTokens, outputTokens) => {
      const odd = { inputPerMillionUsd: '0.000000000001', outputPerMillionUsd: '3.000000000007' };
      const exact = BigInt(inputTokens) * 1n + BigInt(outputTokens) * 3_000_000_000_007n;
      const charged = priceOf({ inputTokens, outputTokens }, odd) * 1_000_000n;
      expect(charged >= exact && charged < exact + 1_000_000n).toBe(true);
    }),
  );
});

test('what is no plain decimal is refused', () => {
  for (const text of ['', '-1', '1e3', '.5', '0x1', '1,5', 'NaN', '1.0000000000001', ' 1'])
    expect(() => parseUsd(text)).toThrow(RangeError);
});
