/** The words of a text, in lower case, as it is found by them: at most 128 code units each. */
export const wordsOf: (text: string) => string[];
/** The same and, behind them, whole codes such as `inc-20417` or `4.12.3`. */
export const tokenize: (text: string) => string[];
