const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/**
 * `fetch` whose answers have a bound: an answer of JSON as a whole, each event of an event stream for itself. What is over
 * it ends the answer with an error, and `onOverflow` is told. A listening stream (GET) that is cut plainly ends: it is opened again, and
 * no call's answer comes over it unless it is asked for again.
 */
export const boundedFetch =
  (maxBytes: number, onOverflow: (error: Error) => void) =>
  async (url: string | URL, request?: RequestInit): Promise<Response> => {
    const response = await fetch(url, request);
    if (!response.body) return response;
    const streamed = response.headers.get('content-type')?.includes('text/event-stream') === true;
    let bytes = 0;
    let last = 0;
    const counting = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        for (const byte of piece) {
          bytes += 1;
          // An empty line ends an event.
          if (streamed && byte === LINE_FEED && last === LINE_FEED) bytes = 0;
          if (byte !== CARRIAGE_RETURN) last = byte;
        }
        if (bytes <= maxBytes) return controller.enqueue(piece);
        const error = new Error(`it sent a message of over ${maxBytes} bytes`);
        onOverflow(error);
        controller.error(error);
      },
    });
    const { status, statusText, headers } = response;
    const body = request?.method === 'GET' ? ReadableStream.from(untilCut(response.body)) : response.body;
    return new Response(body.pipeThrough(counting), { status, statusText, headers });
  };

async function* untilCut(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    // Left idle for long, or by a proxy in between: it says nothing of the calls under way.
  }
}
