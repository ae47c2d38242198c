/** Keeps an answer for a moment, so that what it costs does not grow with how many ask. */
export const remember = <Answer>(forMs: number, compute: () => Answer): (() => Answer) => {
  let answer: { readonly of: Answer } | undefined;
  let until = 0;
  return () => {
    const now = performance.now();
    if (answer === undefined || now >= until) {
      answer = { of: compute() };
      until = now + forMs;
    }
    return answer.of;
  };
};
