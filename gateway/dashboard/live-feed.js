// One event stream for the whole page: browsers allow six per host, over all tabs together.

/** Calls `handlers[event](data)` for what comes; `onState` is told 'live', 'waiting' or 'lost'. */
export const openLiveFeed = (handlers, onState) => {
  let source;
  let lostTimer;

  const open = () => {
    source?.close();
    source = new EventSource('/v1/stream');
    source.addEventListener('open', () => {
      clearTimeout(lostTimer);
      lostTimer = undefined;
      onState('live');
    });
    source.addEventListener('error', () => {
      // Each attempt that fails comes here: the time counts from the first.
      if (lostTimer === undefined) {
        onState('waiting');
        lostTimer = setTimeout(() => onState('lost'), 10_000);
      }
      // After an answer that is no stream the browser gives up; we do not.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 2_000);
    });
    for (const [name, handle] of Object.entries(handlers))
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  };

  // A page that nobody looks at costs nothing.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) source.close();
    else open();
  });
  open();
};
