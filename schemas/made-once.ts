/**
 * What is made of an object that is never changed: made when it is first asked for, kept as long as the object is, never made again.
 * What cannot be made (it throws, or is undefined) is tried again with every call.
 */
export const madeOnce = <Of extends object, Made>(make: (of: Of) => Made): ((of: Of) => Made) => {
  const all = new WeakMap<Of, Made>();
  return (of) => {
    const known = all.get(of);
    if (known !== undefined) return known;
    const made = make(of);
    all.set(of, made);
    return made;
  };
};
