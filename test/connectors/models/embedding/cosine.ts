/** Cosine of two vectors; NaN when one is missing. */
export const cosine = (a: Float32Array | undefined, b: Float32Array | undefined): number => {
  if (a === undefined || b === undefined) return Number.NaN;
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (const [axis, component] of a.entries()) {
    const other = b[axis] ?? Number.NaN;
    product += component * other;
    squaresA += component * component;
    squaresB += other * other;
  }
  return product / Math.sqrt(squaresA * squaresB);
};
