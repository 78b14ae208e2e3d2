// Second factors: what the gateway asks for at privileged mutations.

export const METHODS = {
  WEBAUTHN: 'Passkey',
  TOTP: 'Authenticator app',
  PUSH: 'Notification on your smartphone',
  PHONE: 'Phone call',
};
/** Methods that are answered elsewhere than on this page. */
const ELSEWHERE = new Set(['PUSH', 'PHONE']);

/** What an answer says is still needed, as the extensions of its error; undefined if it is no second factor. */
export function needed(answer) {
  return answer.errors?.find(error => error.extensions?.code === 'INSUFFICIENT_USER_AUTHENTICATION')?.extensions;
}

export function isElsewhere(method) {
  return ELSEWHERE.has(method);
}

/** Put the challenge to the person by a method; gives what the page is to show. Throws what is wrong, in a sentence. */
export async function begin(token, challengeId, method) {
  return (await post('/auth/step-up', token, { challengeId, method })).content;
}

/** Answer a challenge; gives a fresh access token, or null if the person has not answered elsewhere yet. */
export async function complete(token, challengeId, method, code) {
  const { status, content } = await post('/auth/step-up/complete', token, { challengeId, method, code });
  return status === 202 ? null : { access: content.accessToken, until: Date.now() + (content.expiresIn - 30) * 1000 };
}

/** Ask the browser for a passkey; gives what it says, as text. */
export async function askForPasskey(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  try {
    return JSON.stringify(await navigator.credentials.get({ publicKey }));
  } catch {
    throw new Error('No passkey was used.');
  }
}

async function post(path, token, members) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(members),
    credentials: 'omit',
  }).catch(() => {
    throw new Error('The gateway cannot be reached.');
  });
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(content.error?.message ?? 'The gateway cannot answer now.');
  return { status: response.status, content };
}
