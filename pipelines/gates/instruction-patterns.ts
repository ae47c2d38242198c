/**
 * What is said to a model and not to a person, on folded text (lower case, single spaces, `_` is a space). Meant to be seen by
 * people in quarantine: a list of phrases finds the clumsy, so nothing may rest on it alone (attack 1: tools need a capability).
 */
import type { GateReason } from '../../schemas/gates.ts';
import { type LinearPattern, linearPattern } from './linear-pattern.ts';

export interface InstructionPattern {
  readonly reason: GateReason<'instructions'>;
  readonly pattern: LinearPattern;
}

const WHAT =
  '(?:instructions?|prompts?|rules?|guidelines?|directions?|restrictions?|polic(?:y|ies)|commands?|training)';

export const INSTRUCTION_PATTERNS: readonly InstructionPattern[] = [
  {
    reason: 'overrides-instructions',
    pattern: linearPattern(
      `\\b(?:ignore|disregard|forget|override|bypass)\\b[a-z', ]{0,40}\\b(?:previous|prior|above|earlier|preceding|all|any|your|these|system|safety)\\b[a-z', ]{0,40}\\b${WHAT}\\b`,
      ['ignore', 'disregard', 'forget', 'override', 'bypass'],
    ),
  },
  {
    reason: 'overrides-instructions',
    pattern: linearPattern(
      "\\b(?:ignoriere|ignorez|ignora|ignore|vergiss|oubliez|olvida)\\b[a-z', ]{0,40}\\b(?:anweisungen|vorgaben|instructions? precedentes?|instrucciones|istruzioni|instrucoes)\\b",
      ['anweisungen', 'vorgaben', 'precedente', 'instrucciones', 'istruzioni', 'instrucoes'],
    ),
  },
  {
    reason: 'overrides-instructions',
    pattern: linearPattern(
      "\\b(?:do not|don.t|never|without)\\s(?:tell|telling|inform|informing|mention|mentioning|reveal|alert|alerting|notify|asking)\\b[a-z', ]{0,40}\\b(?:the user|the customer|the human|the operator|anyone)\\b",
      ['the user', 'the customer', 'the human', 'the operator', 'anyone'],
    ),
  },
  {
    reason: 'overrides-instructions',
    pattern: linearPattern(
      "\\b(?:reveal|print|show|repeat|output|send|forward|upload|post|exfiltrate|leak)\\b[a-z', ]{0,40}\\b(?:system prompt|hidden prompt|initial instructions|your instructions|chat history|conversation history|api keys?|credentials)\\b",
      ['system prompt', 'hidden prompt', 'instructions', 'history', 'api key', 'credentials'],
    ),
  },
  {
    reason: 'speaks-as-system',
    pattern: linearPattern(
      '<\\|\\s?(?:im[ _]start|im[ _]end|system|assistant|user|endoftext)\\s?\\|?>|\\[/?inst\\]|<</?sys>>|</?(?:system|assistant)(?: prompt| message)?>',
      ['<|', '[inst', '[/inst', '<<sys', '<</sys', '<system', '</system', '<assistant', '</assistant'],
    ),
  },
  {
    reason: 'speaks-as-system',
    pattern: linearPattern(
      '\\b(?:system|developer|admin(?:istrator)?) (?:prompt|message|override|instruction|note)s?\\s?:|\\bnew instructions?\\s?:|\\b(?:note|message|instructions?) (?:to|for) (?:the )?(?:ai|llm|assistant|language model|agent)\\b|\\bas an ai (?:assistant|agent|model)\\b[a-z, ]{0,20}\\byou (?:must|should|will)\\b',
      ['prompt', 'message', 'override', 'instruction', 'note', 'as an ai'],
    ),
  },
  {
    reason: 'speaks-as-system',
    pattern: linearPattern(
      "\\byou are now\\b|\\bfrom now on,? you\\b|\\bdo anything now\\b|\\b(?:assistant|agent|model|ai)\\b[a-z,:' ]{0,30}\\b(?:must|should|now|immediately)\\b[a-z, ]{0,20}\\b(?:call|invoke|execute|run|use)\\b[a-z_ ]{1,40}\\b(?:tool|function)\\b",
      ['you are now', 'from now on', 'do anything now', 'tool', 'function'],
    ),
  },
];

/** The same with every break taken out: spaced letters, hyphens over lines. */
export const SQUEEZED_PATTERN = linearPattern(
  '(?:ignore|disregard|forget|override)(?:all|any|of|the|your|my|these|those){0,4}(?:previous|prior|above|earlier|preceding|system)(?:instruction|prompt|rule|guideline|direction)',
  ['previous', 'prior', 'above', 'earlier', 'preceding', 'system'],
);
