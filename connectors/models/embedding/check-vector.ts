export type VectorFault = 'wrong-dimensions' | 'not-finite' | 'zero-norm';

/** The first thing that makes a vector unfit for a cosine index, or null when nothing does. */
export const checkVector = (vector: Float32Array, dimensions: number): VectorFault | null => {
  if (vector.length !== dimensions) return 'wrong-dimensions';
  let squares = 0;
  for (const component of vector) {
    if (!Number.isFinite(component)) return 'not-finite';
    squares += component * component;
  }
  return squares === 0 ? 'zero-norm' : null;
};
