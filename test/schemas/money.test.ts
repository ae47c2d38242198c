import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatUsd, mostPriceOf, parseUsd, priceOf, priceTableOf } from '../../schemas/money.ts';

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

test('cached and written tokens have their own price where the table has one, else the full one', () => {
  const full = { inputPerMillionUsd: '3', outputPerMillionUsd: '15' };
  const table = { ...full, cachedInputPerMillionUsd: '0.3', cacheWritePerMillionUsd: '3.75' };
  const tokens = {
    ...{ inputTokens: 1_000_000, outputTokens: 100_000 },
    ...{ cachedInputTokens: 600_000, cacheWriteTokens: 200_000 },
  };
  expect(formatUsd(priceOf(tokens, full))).toBe('4.5');
  // 0.2 × 3 + 0.6 × 0.3 + 0.2 × 3.75 + 0.1 × 15
  expect(formatUsd(priceOf(tokens, table))).toBe('3.03');
  expect(formatUsd(priceOf(tokens, { ...full, cachedInputPerMillionUsd: '0.3' }))).toBe('2.88');
  expect(priceTableOf(full)).toBe('3/15 USD per million tokens');
  expect(priceTableOf(table)).toBe('3/15, cached 0.3, cache write 3.75 USD per million tokens');
});

test('no call costs more than was reserved for it, whatever was cached; more cached tokens than there are count as all', () => {
  const price = fc.bigInt({ min: 0n, max: 10n ** 14n }).map(formatUsd);
  const table = fc.record(
    {
      ...{ inputPerMillionUsd: price, outputPerMillionUsd: price },
      ...{ cachedInputPerMillionUsd: price, cacheWritePerMillionUsd: price },
    },
    { requiredKeys: ['inputPerMillionUsd', 'outputPerMillionUsd'] },
  );
  const tokens = fc.record({
    ...{ inputTokens: fc.nat(1e7), outputTokens: fc.nat(1e7) },
    ...{ cachedInputTokens: fc.nat(2e7), cacheWriteTokens: fc.nat(2e7) },
  });
  fc.assert(
    fc.property(table, tokens, (prices, used) => {
      expect(priceOf(used, prices) <= mostPriceOf(used, prices)).toBe(true);
      const { inputPerMillionUsd, outputPerMillionUsd } = prices;
      const plain = { inputPerMillionUsd, outputPerMillionUsd };
      expect(priceOf(used, plain)).toBe(mostPriceOf(used, plain));
      expect(priceOf({ ...used, cachedInputTokens: 0, cacheWriteTokens: 0 }, prices)).toBe(
        priceOf(used, plain),
      );
    }),
  );
});

test('what is no plain decimal is refused', () => {
  for (const text of ['', '-1', '1e3', '.5', '0x1', '1,5', 'NaN', '1.0000000000001', ' 1'])
    expect(() => parseUsd(text)).toThrow(RangeError);
});
