// Signing in at the gateway's own pages: authorization code with PKCE (RFC 7636), refresh tokens with rotation.

const CLIENT = 'graphiql';
const PAGE = `${location.origin}/graphiql`;
const PENDING = 'itcare.sign-in';

/** Leave for the sign-in page; it comes back with a code, which `comeBack` takes. */
export async function leaveToSignIn() {
  const pending = { state: random(), verifier: random() };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: CLIENT,
    redirect_uri: PAGE,
    scope: 'openid',
    state: pending.state,
    code_challenge: await challengeOf(pending.verifier),
    code_challenge_method: 'S256',
  });
  location.assign(`/auth/authorize?${query}`);
}

/**
 * If the sign-in page has sent the person back, the tokens that its code gives; null if it has not.
 * Throws an error with a sentence for the person. The address is cleared either way.
 */
export async function comeBack() {
  const query = new URLSearchParams(location.search);
  if (!query.has('state')) return null;
  history.replaceState(null, '', location.pathname);
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null');
  sessionStorage.removeItem(PENDING);
  if (!pending || query.get('state') !== pending.state) throw new Error('This sign-in was not begun here. Begin again.');
  if (query.has('error')) throw new Error('Nobody was signed in.');
  return ask('/auth/token', {
    grant_type: 'authorization_code',
    client_id: CLIENT,
    redirect_uri: PAGE,
    code: query.get('code'),
    code_verifier: pending.verifier,
  });
}

/** New tokens for a refresh token, which serves once. */
export function refresh(refreshToken) {
  return ask('/auth/token', { grant_type: 'refresh_token', client_id: CLIENT, refresh_token: refreshToken });
}

/** End what a refresh token stands for; whether the gateway can be reached makes no difference to the page. */
export async function revoke(refreshToken) {
  await post('/auth/revoke', { client_id: CLIENT, token: refreshToken }).catch(() => {});
}

async function ask(path, members) {
  const response = await post(path, members).catch(() => {
    throw new Error('The gateway cannot be reached.');
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error_description ?? 'The sign-in is over. Sign in again.');
  return {
    access: answer.access_token,
    refresh: answer.refresh_token,
    // A little early: what is sent just before the end would arrive after it.
    until: Date.now() + (answer.expires_in - 30) * 1000,
  };
}

function post(path, members) {
  return fetch(path, { method: 'POST', body: new URLSearchParams(members), credentials: 'omit' });
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
