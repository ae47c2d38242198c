/**
 * Money in exact decimals of US dollars. Counted in picodollars (10⁻¹²) as bigint, written as decimal text: a sum of
 * any number of calls loses nothing to binary fractions (I3).
 */

import { madeOnce } from './made-once.ts';

/** 10⁻¹² US dollars. */
export type Picodollars = bigint;

const FRACTION_DIGITS = 12;
const SCALE = 10n ** BigInt(FRACTION_DIGITS);
const TOKENS_PER_PRICE = 1_000_000n;
const DECIMAL = /^(\d{1,12})(?:\.(\d{1,12}))?$/;

/** Throws RangeError on anything but a plain decimal of at most 12 digits before and after the point. */
export const parseUsd = (text: string): Picodollars => {
  const [, whole, fraction = ''] = DECIMAL.exec(text) ?? [];
  if (whole === undefined) throw new RangeError(`not an amount of US dollars: ${text.slice(0, 40)}`);
  return BigInt(whole) * SCALE + BigInt(fraction.padEnd(FRACTION_DIGITS, '0'));
};

/** What an entry says in US dollars, read once, however many sums it is in. Errors: as parseUsd. */
export const amountOf = madeOnce(({ usd }: { readonly usd: string }): Picodollars => parseUsd(usd));

export const isUsd = (text: string): boolean => DECIMAL.test(text);

/** The shortest decimal that is exactly the amount. */
export const formatUsd = (amount: Picodollars): string => {
  const fraction = (amount % SCALE).toString().padStart(FRACTION_DIGITS, '0').replace(/0+$/, '');
  return fraction === '' ? `${amount / SCALE}` : `${amount / SCALE}.${fraction}`;
};

export interface TokenPrice {
  readonly inputPerMillionUsd: string;
  readonly outputPerMillionUsd: string;
  /** Of input tokens that the provider had in its cache; the full price where left out. */
  readonly cachedInputPerMillionUsd?: string | undefined;
  /** Of input tokens that it wrote to its cache; the full price where left out. */
  readonly cacheWritePerMillionUsd?: string | undefined;
}

export interface TokenCount {
  /** All of them, cached and written ones too. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
}

const roundedUp = (raw: bigint): Picodollars => (raw + TOKENS_PER_PRICE - 1n) / TOKENS_PER_PRICE;

/** What tokens cost, rounded up to a picodollar, so that a settled cost never falls below what the provider charges. */
export const priceOf = (tokens: TokenCount, price: TokenPrice): Picodollars => {
  const { inputPerMillionUsd: full, cachedInputPerMillionUsd, cacheWritePerMillionUsd } = price;
  // Never more of them than there are: a provider that reports nonsense is paid in full.
  const cached = Math.min(tokens.cachedInputTokens ?? 0, tokens.inputTokens);
  const written = Math.min(tokens.cacheWriteTokens ?? 0, tokens.inputTokens - cached);
  return roundedUp(
    BigInt(tokens.inputTokens - cached - written) * parseUsd(full) +
      BigInt(cached) * parseUsd(cachedInputPerMillionUsd ?? full) +
      BigInt(written) * parseUsd(cacheWritePerMillionUsd ?? full) +
      BigInt(tokens.outputTokens) * parseUsd(price.outputPerMillionUsd),
  );
};

/** The most that so many tokens can cost, whatever the provider has in its cache or writes to it. */
export const mostPriceOf = (
  tokens: Pick<TokenCount, 'inputTokens' | 'outputTokens'>,
  price: TokenPrice,
): Picodollars => {
  const { inputPerMillionUsd: full, cachedInputPerMillionUsd, cacheWritePerMillionUsd } = price;
  let dearest = parseUsd(full);
  for (const each of [cachedInputPerMillionUsd ?? full, cacheWritePerMillionUsd ?? full].map(parseUsd))
    if (each > dearest) dearest = each;
  return roundedUp(
    BigInt(tokens.inputTokens) * dearest + BigInt(tokens.outputTokens) * parseUsd(price.outputPerMillionUsd),
  );
};

/** Names a price in the journal: a later change of the configuration leaves what was paid explainable. */
export const priceTableOf = (price: TokenPrice): string => {
  const { inputPerMillionUsd, outputPerMillionUsd, cachedInputPerMillionUsd, cacheWritePerMillionUsd } =
    price;
  const cached = cachedInputPerMillionUsd === undefined ? '' : `, cached ${cachedInputPerMillionUsd}`;
  const written = cacheWritePerMillionUsd === undefined ? '' : `, cache write ${cacheWritePerMillionUsd}`;
  return `${inputPerMillionUsd}/${outputPerMillionUsd}${cached}${written} USD per million tokens`;
};
