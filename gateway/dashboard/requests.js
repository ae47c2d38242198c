// Requests to the gateway; a problem becomes an Error with its code and what to do.

export const request = async (path, body) => {
  const response = await fetch(
    path,
    body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  ).catch(() => {
    throw new Error('The gateway does not answer.');
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? `The gateway answered ${response.status}.`);
  return answer;
};

/** For a POST that takes no body. */
export const post = async (path) => {
  const response = await fetch(path, { method: 'POST' });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? `The gateway answered ${response.status}.`);
  return answer;
};

/** An answer in lines of JSON: `onLine` for each as it comes; of a GET where `body` is left out. */
export const requestLines = async (path, body, onLine, signal) => {
  const response = await fetch(
    path,
    body === undefined
      ? { signal }
      : {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          signal,
        },
  );
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.detail ?? `The gateway answered ${response.status}.`);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? '')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') continue;
      const told = JSON.parse(line);
      if (told.error) throw new Error(told.error.detail ?? 'It broke off.');
      onLine(told);
    }
    if (done) return;
  }
};
