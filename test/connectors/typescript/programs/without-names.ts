/** A function that is made inside another: some compilers call __name for it each time. */
const make = (): (() => void) => {
  const inner = (): void => undefined;
  return inner;
};

console.log(make.toString().includes('__name'));
