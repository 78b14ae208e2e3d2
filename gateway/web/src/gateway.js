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

/** The message with which an answer refuses its caller; undefined if it does not. */
export function refusal(answer) {
  return answer.errors?.find(error => error.extensions?.code === 'UNAUTHENTICATED')?.message;
}
