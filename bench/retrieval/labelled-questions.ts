/**
 * Questions on the sample data with the rows that answer them. As they are asked in the sample; as a person types who has
 * only a code at hand; and in other words than the texts use. What answers is known from how the sample is written.
 */
import { type SampleQuestion, sampleQuestions } from '../../connectors/sample-source/sample-questions.ts';

export type QuestionKind = 'asked' | 'code' | 'paraphrase' | 'several chunks';

export interface LabelledQuestion {
  readonly kind: QuestionKind;
  readonly tenant: string;
  readonly question: string;
  readonly rows: SampleQuestion['rows'];
}

const OF_A_KIND = 20;

/** Codes, references, model numbers: what no synonym stands for. */
const CODE = /\b(?=[A-Z0-9./-]*\d)[A-Z][A-Z0-9]*(?:[-./]?[A-Z0-9]+)*\b/g;

/** Words of the sample's questions → words that its texts do not use for them. Longer ones first. */
const IN_OTHER_WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bWhat does (.+?) on the (.+?) mean\?/i, 'The $2 displays $1, what is it trying to tell me?'],
  [/\bWhat is wrong with it\?/i, 'Can you tell why?'],
  [/\bHow long\b/i, 'For what period'],
  [/\bHow often\b/i, 'At what interval'],
  [/\bHow much does (.+?) cost\?/i, 'What would I pay for $1?'],
  [/\bHow much\b/i, 'What amount'],
  [/\bHow many\b/i, 'What number of'],
  [/\bHow do I\b/i, 'What are the steps to'],
  [/\bHow can I\b/i, 'Is there a way to'],
  [/\bWhich\b/i, 'What kind of'],
  [/\bWhere\b/i, 'In what place'],
  [/\bWhen\b/i, 'On what occasion or at what hour'],
  [/\bCan I\b/i, 'Am I able to'],
  [/\bDo I need\b/i, 'Is it necessary for me to have'],
  [/\bmaximum\b/i, 'largest possible'],
  [/\bminimum\b/i, 'smallest possible'],
  [/\bwarranty\b/i, 'guarantee'],
  [/\breset\b/i, 'bring back to how it was delivered'],
  [/\bupdate\b/i, 'newer version'],
  [/\bswitch (?:it )?off\b/i, 'turn down entirely'],
  [/\bnoise\b/i, 'sound'],
  [/\bbill\b/i, 'invoice'],
  [/\bprice\b/i, 'charge'],
  [/\boutage\b/i, 'loss of supply'],
  [/\bcause\b/i, 'reason'],
];

const paraphrase = (question: string): string | undefined => {
  const changed = IN_OTHER_WORDS.reduce((text, [words, others]) => text.replace(words, others), question);
  return changed === question ? undefined : changed;
};

const codesOf = (question: string): string | undefined => {
  const codes = question.match(CODE)?.filter((code) => /\d/.test(code) && code.length >= 3);
  return codes && codes.length > 0 ? codes.join(' ') : undefined;
};

/** Twenty of each kind, four times: the same for a seed. `chunks`: how many chunks a row's document has. */
export const labelledQuestions = (
  seed: number,
  rows: number,
  chunks: (row: { readonly table: string; readonly id: number }) => number,
): readonly LabelledQuestion[] => {
  const all = sampleQuestions({ seed, count: rows, rows });
  const of = (
    kind: QuestionKind,
    from: readonly SampleQuestion[],
    ask: (question: SampleQuestion) => string | undefined,
  ): readonly LabelledQuestion[] =>
    from
      .flatMap(({ tenant, rows: answering, ...question }) => {
        const text = ask({ tenant, rows: answering, ...question });
        return text === undefined ? [] : [{ kind, tenant, question: text, rows: answering }];
      })
      .slice(0, OF_A_KIND);
  const longest = all.filter((question) => question.rows.slice(0, 1).every((row) => chunks(row) >= 2));
  return [
    ...of('asked', all, ({ question }) => question),
    ...of('code', all.slice(OF_A_KIND), ({ question }) => codesOf(question)),
    ...of('paraphrase', all.slice(2 * OF_A_KIND), ({ question }) => paraphrase(question)),
    ...of('several chunks', longest, ({ question }) => question),
  ];
};
