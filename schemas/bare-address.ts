/** An address as it may be told: without user, password and query, which may be secrets. What is no URL is not shown at all. */
export const bareAddress = (address: string): string => {
  if (!URL.canParse(address)) return 'an address that is no URL';
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
};

/** An address for `fetch`, which takes none with a user in it (and tells it whole in its error), and the header that says them. */
export const requestTo = (
  address: string,
): { readonly url: string; readonly headers: Readonly<Record<string, string>> } => {
  const url = new URL(address);
  const { username, password } = url;
  if (username === '' && password === '') return { url: address, headers: {} };
  url.username = '';
  url.password = '';
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url: url.href, headers: { authorization: `Basic ${Buffer.from(user).toString('base64')}` } };
};
