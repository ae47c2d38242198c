/**
 * Money in exact decimals of US dollars. Counted in picodollars (10⁻¹²) as bigint, written as decimal text: a sum of
 * any number of calls loses nothing to binary fractions (I3).
 */

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

export const isUsd = (text: string): boolean => DECIMAL.test(text);

/** The shortest decimal that is exactly the amount. */
export const formatUsd = (amount: Picodollars): string => {
  const fraction = (amount % SCALE).toString().padStart(FRACTION_DIGITS, '0').replace(/0+$/, '');
  return fraction === '' ? `${amount / SCALE}` : `${amount / SCALE}.${fraction}`;
};

export interface TokenPrice {
  readonly inputPerMillionUsd: string;
  readonly outputPerMillionUsd: string;
}

export interface TokenCount {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What tokens cost, rounded up to a picodollar, so that a settled cost never falls below what the provider charges. */
export const priceOf = (tokens: TokenCount, price: TokenPrice): Picodollars => {
  const raw =
    BigInt(tokens.inputTokens) * parseUsd(price.inputPerMillionUsd) +
    BigInt(tokens.outputTokens) * parseUsd(price.outputPerMillionUsd);
  return (raw + TOKENS_PER_PRICE - 1n) / TOKENS_PER_PRICE;
};

/** Names a price in the journal: a later change of the configuration leaves what was paid explainable. */
export const priceTableOf = (price: TokenPrice): string =>
  `${price.inputPerMillionUsd}/${price.outputPerMillionUsd} USD per million tokens`;
