// Loader hook of a worker with a planted module: whoever imports the module of the product gets the planted one, but for the
// planted one itself. Plain JavaScript: it runs before any TypeScript does.
let planted = { module: '', by: '' };

export const initialize = (replacement) => {
  planted = replacement;
};

export const resolve = async (specifier, context, nextResolve) => {
  const resolved = await nextResolve(specifier, context);
  const [path] = resolved.url.split('?');
  return path.endsWith(planted.module) && !context.parentURL?.startsWith(planted.by)
    ? { ...resolved, url: planted.by }
    : resolved;
};
