/**
 * A text as a log gives it back: half of a surrogate pair is no character, and UTF-8 has none for it. What is folded before it is written
 * and after it was read must be the same text (I10), and providers refuse a prompt that holds one.
 */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');
