import type { Random } from './seeded-random.ts';

/** What a template may name: `{slot}` stands for the text of that name. */
export type Slots = Readonly<Record<string, string>>;

type Part = string | { readonly slot: string } | { readonly choices: readonly (readonly Part[])[] };

const compiled = new Map<string, readonly Part[]>();

const parse = (template: string): readonly Part[] => {
  const parts: Part[] = [];
  for (const token of template.match(/\[[^\]]*\]|\{[^}]*\}|[^[{]+/g) ?? []) {
    if (token.startsWith('[')) parts.push({ choices: token.slice(1, -1).split('|').map(parse) });
    else if (token.startsWith('{')) parts.push({ slot: token.slice(1, -1) });
    else parts.push(token);
  }
  return parts;
};

const render = (parts: readonly Part[], slots: Slots, random: Random): string => {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else if ('choices' in part) text += render(random.pick(part.choices), slots, random);
    else {
      const value = slots[part.slot];
      if (value === undefined) throw new RangeError(`a template names {${part.slot}}, which nothing fills`);
      text += value;
    }
  }
  return text;
};

/**
 * Fills `{slot}` and picks one of `[this|that]`; choices do not nest, and may hold slots. Throws RangeError on a slot
 * that has no text. Templates come from this folder alone, so the table of compiled ones stays small.
 */
export const fillTemplate = (template: string, slots: Slots, random: Random): string => {
  let parts = compiled.get(template);
  if (parts === undefined) {
    parts = parse(template);
    compiled.set(template, parts);
  }
  return render(parts, slots, random);
};
