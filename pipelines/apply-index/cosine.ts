/** Cosine similarity, 1 to -1; 0 where either has no length. */
export const cosineOf = (a: Float32Array, b: Float32Array): number => {
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let part = 0; part < a.length; part += 1) {
    // Not unpacked from a pair: that takes more than twice as long.
    const x = a[part] as number;
    const y = b[part] as number;
    product += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  const lengths = Math.sqrt(squaresA * squaresB);
  return lengths === 0 ? 0 : Math.min(1, Math.max(-1, product / lengths));
};
