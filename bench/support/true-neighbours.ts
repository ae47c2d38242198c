/** The true nearest rows of some questions, kept while vectors pass by one after the other: what recall is measured against. */
export interface TrueNeighbours {
  add(id: string, vector: Float32Array): void;
  /** Of the question at this place: the score that a hit must reach to be among the true best. */
  leastScore(question: number): number;
}

const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let part = 0; part < a.length; part += 1) sum += (a[part] as number) * (b[part] as number);
  return sum;
};

/** Vectors have unit length. */
export const trueNeighbours = (questions: readonly Float32Array[], topK: number): TrueNeighbours => {
  const best = questions.map(() => new Float64Array(topK).fill(Number.NEGATIVE_INFINITY));
  return {
    add: (_, vector) => {
      for (const [at, question] of questions.entries()) {
        const held = best[at];
        if (!held) continue;
        const score = dot(question, vector);
        if (score <= (held[topK - 1] as number)) continue;
        held[topK - 1] = score;
        held.sort((a, b) => b - a);
      }
    },
    leastScore: (question) => best[question]?.[topK - 1] ?? Number.NEGATIVE_INFINITY,
  };
};
