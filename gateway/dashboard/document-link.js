// Links to where a document comes from: an address of the page of its own for each.
import { make } from './elements.js';

const PREFIX = '#document=';

export const documentLink = (documentId, text = documentId) =>
  make('a', { href: PREFIX + encodeURIComponent(documentId), text });

/** The document that an address names; undefined: none. */
export const documentOfHash = (hash) => {
  if (!hash.startsWith(PREFIX)) return undefined;
  try {
    return decodeURIComponent(hash.slice(PREFIX.length));
  } catch {
    return undefined;
  }
};

/** `open(documentId)` for what the address names, now and as it changes; also where a link to it is followed once more. */
export const followDocumentLinks = (open) => {
  const follow = (hash) => {
    const documentId = documentOfHash(hash);
    if (documentId) open(documentId);
  };
  window.addEventListener('hashchange', () => follow(window.location.hash));
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a');
    if (link && link.hash === window.location.hash) follow(link.hash);
  });
  follow(window.location.hash);
};
