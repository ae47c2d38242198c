/** How long is waited for what may never come: not from the beginning, but since something last moved, as a slow machine takes its time. */

export interface Patience {
  /** False once nothing has moved for too long. */
  lasts(): boolean;
  /** How much there is by now: more than before is movement. */
  saw(many: number): void;
}

/** `ms`: without movement; `stopped`: whoever waits was told not to any more. */
export const openPatience = (ms: number, stopped: () => boolean): Patience => {
  let since = performance.now();
  let most = 0;
  return {
    lasts: () => !stopped() && performance.now() - since < ms,
    saw: (many) => {
      if (many <= most) return;
      most = many;
      since = performance.now();
    },
  };
};
