/** How two fingerprints of documents compare: 8 bytes of a text's hash, then 8 of its SimHash. */
export const FINGERPRINT_BYTES = 16;

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/** Of 64. */
export const equalBits = (a: Buffer, b: Buffer): number => {
  let different = 0;
  for (let at = 8; at < FINGERPRINT_BYTES; at += 1) different += ONES[(a[at] ?? 0) ^ (b[at] ?? 0)] ?? 0;
  return 64 - different;
};

export const sameText = (a: Buffer, b: Buffer): boolean => a.subarray(0, 8).equals(b.subarray(0, 8));

/** Four quarters of a SimHash: two that differ in at most three bits share one of them. */
export const bandsOf = (fingerprint: Buffer): readonly string[] =>
  [0, 1, 2, 3].map((band) => `${band}${fingerprint.subarray(8 + band * 2, 10 + band * 2).toString('hex')}`);
