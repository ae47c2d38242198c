/** A database's URL as another machine or container has to say it: what is called localhost there is not the localhost meant here. */
export const withoutLoopback = (url: string, host: string): string => {
  const changed = new URL(url);
  if (!/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(changed.hostname)) return url;
  changed.hostname = host;
  return changed.href;
};
