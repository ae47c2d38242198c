/**
 * A text as a model reads it rather than as it is written: invisible characters taken out, look-alikes of Latin letters made
 * Latin, letter case and white space evened out. Every character knows where it came from. One pass, pure.
 */
export interface FoldedText {
  readonly text: string;
  /** Place in the original of each code unit of `text`. */
  readonly origins: Int32Array;
  /** Stretches that no person sees and a model reads. */
  readonly hidden: readonly { readonly start: number; readonly end: number; readonly detail: string }[];
}

/** Letters of other scripts that look like Latin ones. */
const LOOKALIKES = new Map(
  [
    ...[
      'аa',
      'еe',
      'оo',
      'рp',
      'сc',
      'хx',
      'уy',
      'іi',
      'ѕs',
      'јj',
      'ԁd',
      'ո' + 'n',
      'һh',
      'ԛq',
      'ԝw',
      'ѵv',
      'ɡg',
      'ıi',
    ],
    ...['αa', 'οo', 'ρp', 'νv', 'ιi', 'υu', 'κk', 'τt', 'εe'],
  ].map((pair) => [pair.charCodeAt(0), pair[1] ?? ''] as const),
);
const LEAST_HIDDEN_RUN = 8;
const LEAST_TAGS = 4;
const BLACK_FLAG = 0x1f3f4;

const isInvisible = (code: number): boolean =>
  (code >= 0x200b && code <= 0x200f) ||
  (code >= 0x202a && code <= 0x202e) ||
  (code >= 0x2060 && code <= 0x206f) ||
  (code >= 0xfe00 && code <= 0xfe0f) ||
  code === 0x00ad ||
  code === 0x034f ||
  code === 0x061c ||
  code === 0x180e ||
  code === 0xfeff ||
  // Letters of Hangul that stand for none.
  code === 0x115f ||
  code === 0x1160 ||
  code === 0x3164 ||
  code === 0xffa0 ||
  (code >= 0xe0100 && code <= 0xe01ef);
const isTag = (code: number): boolean => code >= 0xe0000 && code <= 0xe007f;
const isSpace = (code: number): boolean =>
  code <= 32 ||
  code === 0xa0 ||
  (code >= 0x2000 && code <= 0x200a) ||
  code === 0x3000 ||
  code === 0x2028 ||
  code === 0x2029 ||
  // Braille without a dot, with which people draw.
  code === 0x2800 ||
  code === 95;
/** Emphasis of Markdown stands between letters and is not seen once rendered. */
const isEmphasis = (code: number): boolean => code === 42 || code === 96 || code === 126;

const plainOf = (code: number): string => {
  if (code < 128) return String.fromCharCode(code).toLowerCase();
  if (isTag(code))
    return code >= 0xe0020 && code < 0xe007f ? String.fromCharCode(code - 0xe0000).toLowerCase() : '';
  const plain = String.fromCodePoint(code).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().slice(0, 4);
  return LOOKALIKES.get(plain.charCodeAt(0)) ?? plain;
};

/** What foldText and squeeze make of a text of ASCII alone. */
export interface FoldedAscii {
  readonly text: string;
  readonly squeezed: string;
}

const ASCII = 0x7f;
const lowerOf = (code: number): number => (code >= 65 && code <= 90 ? code + 32 : code);

/**
 * The folded text alone, without where it came from, at a tenth of the price; undefined where a character is not of ASCII.
 * Most texts hold none of the words that are looked for, and need no more than this.
 */
export const foldAscii = (original: string): FoldedAscii | undefined => {
  const text = Buffer.allocUnsafe(original.length);
  const squeezed = Buffer.allocUnsafe(original.length);
  let end = 0;
  let squeezedEnd = 0;
  let spaced = true;
  for (let at = 0; at < original.length; at += 1) {
    const code = lowerOf(original.charCodeAt(at));
    if (code > ASCII) return undefined;
    if (isSpace(code)) {
      if (!spaced) text[end++] = 32;
      spaced = true;
    } else if (!isEmphasis(code)) {
      text[end++] = code;
      spaced = false;
      if (isSqueezed(code)) squeezed[squeezedEnd++] = code;
    }
  }
  return {
    text: text.toString('latin1', 0, end),
    squeezed: squeezed.toString('latin1', 0, squeezedEnd),
  };
};

export const foldText = (original: string): FoldedText => {
  const pieces: string[] = [];
  const origins: number[] = [];
  const hidden: { start: number; end: number; detail: string }[] = [];
  let run: { start: number; end: number; count: number; kind: 'tags' | 'zero-width' } | undefined;
  let spaced = true;
  let before = 0;
  const close = (): void => {
    if (run && run.count >= (run.kind === 'tags' ? LEAST_TAGS : LEAST_HIDDEN_RUN))
      hidden.push({ start: run.start, end: run.end, detail: `${run.count} invisible characters in a row` });
    run = undefined;
  };
  const put = (text: string, at: number): void => {
    pieces.push(text);
    for (let unit = 0; unit < text.length; unit += 1) origins.push(at);
  };
  let inFlag = false;
  for (let at = 0; at < original.length; ) {
    const code = original.codePointAt(at) ?? 0;
    const size = code > 0xffff ? 2 : 1;
    // The flags of England, Scotland and Wales are a black flag and tags.
    if (isTag(code)) inFlag ||= before === BLACK_FLAG;
    else inFlag = false;
    if ((isInvisible(code) || isTag(code)) && !inFlag) {
      const kind = isTag(code) ? 'tags' : 'zero-width';
      if (run?.kind !== kind) close();
      run = { start: run?.start ?? at, end: at + size, count: (run?.count ?? 0) + 1, kind };
      if (kind === 'tags') {
        put(plainOf(code), at);
        spaced = false;
      }
    } else if (!inFlag) {
      close();
      if (isSpace(code)) {
        if (!spaced) put(' ', at);
        spaced = true;
      } else if (!isEmphasis(code)) {
        put(plainOf(code), at);
        spaced = false;
      }
    }
    before = code;
    at += size;
  }
  close();
  return { text: pieces.join(''), origins: Int32Array.from(origins), hidden };
};

const LETTER_OR_DIGIT = /^[\p{L}\p{N}]$/u;
const isSqueezed = (code: number): boolean =>
  (code >= 97 && code <= 122) ||
  (code >= 48 && code <= 57) ||
  (code > ASCII && LETTER_OR_DIGIT.test(String.fromCodePoint(code)));

/** Letters and digits alone, so that no break between them hides a word. */
export const squeeze = ({ text, origins }: FoldedText): FoldedText => {
  const pieces: string[] = [];
  const places: number[] = [];
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) ?? 0;
    const size = code > 0xffff ? 2 : 1;
    if (isSqueezed(code)) {
      pieces.push(text.slice(at, at + size));
      for (let unit = at; unit < at + size; unit += 1) places.push(origins[unit] ?? 0);
    }
    at += size;
  }
  return { text: pieces.join(''), origins: Int32Array.from(places), hidden: [] };
};
