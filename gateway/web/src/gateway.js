// The one way from this page to the gateway.

const ENDPOINT = '/graphql';

/**
 * Send one GraphQL request, as the bearer of `token` if there is one, and return the gateway's answer.
 * Throws an error with a sentence for the person if there is no answer to be had.
 */
export async function send(request, token) {
  const headers = {
    accept: 'application/graphql-response+json, application/json;q=0.9',
    'content-type': 'application/json',
  };
  if (token) headers.authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(ENDPOINT, {
      method: 'POST',
      headers,
      body: JSON.stringify(request),
      credentials: 'omit',
    });
  } catch {
    throw new Error('The gateway cannot be reached.');
  }
  try {
    return await response.json();
  } catch {
    // What stands between may answer in its own words: a proxy's error page, for one.
    throw new Error(`The answer is not JSON (HTTP status ${response.status}).`);
  }
}

/**
 * Follow a subscription, as server-sent events; gives the results as they come. Ending the iteration ends the stream.
 */
export function follow(request, token) {
  const abort = new AbortController();
  const results = readResults(request, token, abort.signal);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => results.next(),
    // Not the generator's own: that would wait for the next result.
    async return() {
      abort.abort();
      return { done: true, value: undefined };
    },
  };
}

async function* readResults(request, token, signal) {
  const headers = { accept: 'text/event-stream', 'content-type': 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  try {
    const body = JSON.stringify(request);
    const response = await fetch(ENDPOINT, { method: 'POST', headers, body, credentials: 'omit', signal });
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      yield await response.json();
      return;
    }
    let text = '';
    const decoded = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await decoded.read();
      if (done) return;
      const events = (text + value).split('\n\n');
      text = events.pop();
      for (const event of events) {
        const data = event.match(/^event: next\ndata: (.*)$/)?.[1];
        if (data) yield JSON.parse(data);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw new Error('The gateway cannot be reached.', { cause: error });
  }
}

/** The message with which an answer refuses its caller; undefined if it does not. */
export function refusal(answer) {
  return answer.errors?.find(error => error.extensions?.code === 'UNAUTHENTICATED')?.message;
}
