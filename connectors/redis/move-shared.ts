/** A small state under one key that several processes move on: each looks, decides, and writes only over what it has looked at. */
import type { Redis } from 'ioredis';
import { redisScript } from './redis-script.ts';

/** KEYS state. Answers its text, '' where there is none, and the server's time in milliseconds. */
const LOOK = redisScript(`
local time = redis.call('TIME')
return {redis.call('GET', KEYS[1]) or '', time[1] * 1000 + math.floor(time[2] / 1000)}`);

/** KEYS state. ARGV the text it must still have, the new one ('' for none), how long that is kept (ms). */
const MOVE = redisScript(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`);

/** Others move it meanwhile: it is looked at anew, so often. */
const TRIES = 20;

/**
 * `decide` gets the state's text and the server's time in milliseconds, and may be asked several times. Resolves to what it decided
 * once that stands; undefined where others were always quicker. Errors: the library's, while Redis is away.
 */
export const moveShared = async <Decided extends { readonly text: string }>(
  redis: Redis,
  { key, keptMs }: { readonly key: string; readonly keptMs: number },
  decide: (text: string, now: number) => Decided,
): Promise<Decided | undefined> => {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const [text, now] = (await LOOK(redis, [key], [])) as readonly [string, number];
    const decided = decide(text, now);
    if (decided.text === text) return decided;
    if ((await MOVE(redis, [key], [text, decided.text, String(keptMs)])) === 1) return decided;
  }
  return undefined;
};
