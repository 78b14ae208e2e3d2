// openid-client signs in to a gateway, as a frontend and as a program would. What it found is printed as JSON.
//
//   node client.mjs '{"url", "clientId", "redirectUri", "email", "password", "accountId", "secret", "key"}'

import * as client from 'openid-client';

const given = JSON.parse(process.argv[2]);
const options = { execute: [client.allowInsecureRequests] };

function configure(clientId, authentication) {
  return client.discovery(new URL(given.url), clientId, undefined, authentication, options);
}

/** Walk from the authorization endpoint through the sign-in page to where the browser is sent back to. */
async function walk(url) {
  const cookies = new Map();
  async function visit(where, init = {}) {
    const sent = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...init.headers, ...(sent && { Cookie: sent }) };
    const response = await fetch(where, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0].split('=');
      cookies.set(name, value);
    }
    return response;
  }

  const next = (response) => new URL(response.headers.get('location'), given.url);
  const page = next(await visit(url));
  const text = await (await visit(page)).text();
  const field = (name) => text.match(new RegExp(`name="${name}" value="([^"]*)"`))[1].replaceAll('&amp;', '&');
  const body = new URLSearchParams({
    form: field('form'),
    continue: field('continue'),
    email: given.email,
    password: given.password,
  });
  const signedIn = await visit(new URL('/auth/sign-in', given.url), {
    method: 'POST',
    headers: { Origin: given.url },
    body,
  });
  return next(await visit(next(signedIn)));
}

async function asFrontend() {
  const config = await configure(given.clientId, client.None());
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const question = client.buildAuthorizationUrl(config, {
    redirect_uri: given.redirectUri,
    scope: 'openid email',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    max_age: '3600',
  });
  const tokens = await client.authorizationCodeGrant(config, await walk(question), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
    maxAge: 3600,
  });
  const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
  const seen = await viewer(refreshed.access_token);
  await client.tokenRevocation(config, refreshed.refresh_token);
  const refused = await client.refreshTokenGrant(config, refreshed.refresh_token).then(
    () => null,
    (error) => error.error,
  );
  const leaving = client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: given.redirectUri,
    id_token_hint: tokens.id_token,
  });
  const left = (await fetch(leaving, { redirect: 'manual' })).headers.get('location');
  return { user, seen, refused, afterwards: await viewer(refreshed.access_token), left };
}

async function asProgram() {
  const jwk = given.key;
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  const ways = {
    client_secret_basic: client.ClientSecretBasic(given.secret),
    client_secret_post: client.ClientSecretPost(given.secret),
    private_key_jwt: client.PrivateKeyJwt({ key, kid: jwk.kid }),
  };
  const seen = {};
  for (const [name, authentication] of Object.entries(ways)) {
    const config = await configure(given.accountId, authentication);
    seen[name] = await viewer((await client.clientCredentialsGrant(config)).access_token);
  }
  return seen;
}

async function viewer(token) {
  const response = await fetch(new URL('/graphql', given.url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ viewer { email } }' }),
  });
  return (await response.json()).data?.viewer.email ?? null;
}

console.log(JSON.stringify({ frontend: await asFrontend(), program: await asProgram() }));
